/** WebSocket peers that send wrong SIP, wrong frames and wrong handshakes: they harm nobody but themselves. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { systemClock } from '../../../src/base/clock.js'
import { silentLogger } from '../../../src/base/logger.js'
import { openSipEndpoint } from '../../../src/sip/endpoint.js'
import type { SipEndpoint } from '../../../src/sip/types.js'
import { Mutations } from '../../support/mutations.js'
import { randomFrom } from '../../support/relay-fates.js'
import { requestText } from '../../support/sip-messages.js'
import { upgradeRequest, WsPeer } from '../../support/ws-peer.js'

const MESSAGES = 2_000
const STREAMS = 300

describe('an endpoint, fuzzed over WebSocket', () => {
  let endpoint: SipEndpoint
  let good: WsPeer
  let probes = 0
  const errors: unknown[] = []
  const random = randomFrom(7118)

  before(async () => {
    const log = { ...silentLogger, error: (fields: object) => errors.push(fields) }
    endpoint = await openSipEndpoint(
      { clock: systemClock, log },
      { host: '127.0.0.1', listeners: [{ protocol: 'ws', port: 0 }], userAgent: 'x' },
    )
    endpoint.createUserAgent({
      aor: 'sip:bob@example.org',
      displayName: '',
      contactUser: 'bob',
      routeSet: [],
      authenticator: { answer: () => undefined },
      handlers: {
        admit: () => ({ admit: true }),
        invite: (invite) => invite.reject(486),
        request: (incoming) => incoming.accept(),
      },
    })
    good = await WsPeer.connect(endpoint.local.port)
  })
  after(async () => {
    await good.close()
    await endpoint.close()
  })

  /** Another peer is answered, and no handler has thrown. */
  async function probe(): Promise<void> {
    const via = `SIP/2.0/WS probe.invalid;branch=z9hG4bKprobe${probes++}`
    good.send(requestText({ method: 'OPTIONS', via, callId: `probe${probes}` }))
    assert.match(await good.messages.next(), /^SIP\/2\.0 200 /)
    assert.deepEqual(errors, [])
  }

  it('goes on after mutated messages, as text and as binary', async () => {
    const mutations = new Mutations(random)
    let peer = await WsPeer.connect(endpoint.local.port)
    for (let n = 0; n < MESSAGES; n++) {
      if (peer.isClosed) peer = await WsPeer.connect(endpoint.local.port)
      peer.socket.send(mutations.next('bob', '127.0.0.1:9'), { binary: random() < 0.9 })
      if (n % 100 === 0) await probe()
    }
    await peer.close()
    await probe()
  }).timeout(30_000)

  it('goes on after mutated handshakes and frames, cut anywhere', async () => {
    const message = Buffer.from(requestText({ method: 'OPTIONS', callId: 'frame' }))
    const header = Buffer.from([0x82, 0xfe, message.length >> 8, message.length & 0xff, 0, 0, 0, 0])
    const right = Buffer.concat([Buffer.from(upgradeRequest()), header, message, header, message])
    for (let n = 0; n < STREAMS; n++) {
      const wrong = Buffer.from(right)
      for (let edits = 1 + Math.floor(random() * 4); edits > 0; edits--) {
        // Most of them in the frame headers, the others anywhere.
        const at =
          random() < 0.6 ? wrong.indexOf(header) + Math.floor(random() * 4) : Math.floor(random() * wrong.length)
        wrong[Math.max(0, at)] = Math.floor(random() * 256)
      }
      const socket = connect({ port: endpoint.local.port, host: '127.0.0.1' })
      socket.on('error', () => undefined).resume()
      await new Promise((resolve) => socket.write(wrong.subarray(0, Math.floor(random() * wrong.length)), resolve))
      if (random() < 0.5) await new Promise((resolve) => setImmediate(resolve))
      socket.destroy()
      if (n % 20 === 0) await probe()
    }
    await probe()
  }).timeout(30_000)
})
