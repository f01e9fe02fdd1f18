/** TCP and TLS peers that lie, stall and send nonsense: they harm nobody but themselves. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { systemClock } from '../../../src/base/clock.js'
import { silentLogger } from '../../../src/base/logger.js'
import { openSipEndpoint } from '../../../src/sip/endpoint.js'
import { StreamFramer } from '../../../src/sip/message/stream-framer.js'
import type { SipEndpoint } from '../../../src/sip/types.js'
import { requestText, SDP } from '../../support/sip-messages.js'
import { testTls } from '../../support/sip-parties.js'
import { StreamPeer } from '../../support/stream-peer.js'

const STALLED = 150
const PROBES = 200
const PIECES = ['\r\n', '\r\n\r\n', '\n', '\0', 'Content-Length: 5\r\n', 'l: 99999\r\n', ':', '-1', 'ü', 'SIP/2.0', '']

let branches = 0
const request = (method: string): string =>
  requestText({
    method,
    via: `SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bKs${branches++}`,
    callId: `stream${branches}`,
    body: SDP,
  })

for (const { protocol, streams: wanted } of [
  { protocol: 'tcp', streams: 1_000 },
  { protocol: 'tls', streams: 200 },
] as const) {
  describe(`an endpoint, fuzzed over ${protocol.toUpperCase()}`, () => {
    let endpoint: SipEndpoint
    const errors: unknown[] = []

    before(async () => {
      const log = { ...silentLogger, error: (fields: object) => errors.push(fields) }
      endpoint = await openSipEndpoint(
        { clock: systemClock, log },
        { host: '127.0.0.1', listeners: [{ protocol, port: 0 }], userAgent: 'x', tls: testTls() },
      )
      endpoint.createUserAgent({
        aor: 'sip:bob@example.org',
        displayName: '',
        contactUser: 'bob-contact',
        routeSet: [],
        authenticator: { answer: () => undefined },
        handlers: {
          admit: () => ({ admit: true }),
          invite: (invite) => invite.reject(486),
          request: (incoming) => incoming.accept(),
        },
      })
    })
    after(() => endpoint.close())

    const connect = (): Promise<StreamPeer> =>
      protocol === 'tcp' ? StreamPeer.connect(endpoint.local.port) : StreamPeer.connectTls(endpoint.local.port)

    it('answers others while some stall in mid-message', async () => {
      const stalled = await Promise.all(Array.from({ length: STALLED }, connect))
      for (const peer of stalled) peer.send(request('INVITE').slice(0, 300))
      const good = await connect()
      const times: number[] = []
      for (let n = 0; n < PROBES; n++) {
        const startedMs = performance.now()
        good.send(request('OPTIONS'))
        assert.match(await good.messages.next(), /^SIP\/2\.0 200 /)
        times.push(performance.now() - startedMs)
      }
      const p99Ms = times.sort((a, b) => a - b)[Math.floor(PROBES * 0.99)] ?? 0
      console.log(
        `      beside ${STALLED} stalled peers: ${times.length} of ${PROBES} answered, p99 ${p99Ms.toFixed(1)} ms`,
      )
      await Promise.all([good, ...stalled].map((peer) => peer.close()))
    })

    it('goes on after each mutated stream, and no handler throws', async () => {
      const edits = fc.array(fc.tuple(fc.nat(600), fc.nat(6), fc.constantFrom(...PIECES)), {
        minLength: 1,
        maxLength: 4,
      })
      const methods = fc.constantFrom('INVITE', 'OPTIONS', 'BYE', 'ACK', 'CANCEL', 'MESSAGE')
      const good = await connect()
      let streams = 0
      await fc.assert(
        fc.asyncProperty(methods, edits, fc.nat(600), async (method, changes, cut) => {
          streams++
          const right = request(method) + request('OPTIONS')
          const wrong = changes.reduce(
            (text, [at, gone, put]) => text.slice(0, at) + put + text.slice(at + gone),
            right,
          )
          const peer = await connect()
          const octets = Buffer.from(wrong)
          await peer.sendInPieces([octets.subarray(0, cut), octets.subarray(cut)])
          good.send(request('OPTIONS'))
          assert.match(await good.messages.next(), /^SIP\/2\.0 200 /)
          await peer.close()
        }),
        { numRuns: wanted },
      )
      console.log(`      ${streams} mutated streams: the next peer was answered after each`)
      await good.close()
      assert.deepEqual(errors, [])
    }).timeout(30_000)
  })
}

describe('the framer', () => {
  for (const [name, line] of [
    ['a Content-Length of blanks', `Content-Length:${' '.repeat(60_000)}x`],
    ['blanks before the colon', `l${' '.repeat(60_000)}`],
    ['folded lines', `l:${'\r\n '.repeat(20_000)}`],
    ['short lines', '\r\nl'.repeat(20_000)],
    ['Content-Lengths', 'l: 1\r\n'.repeat(10_000)],
  ]) {
    it(`takes no long time to frame 60 KB: ${name}`, () => {
      const head = Buffer.from(`OPTIONS sip:a@b SIP/2.0\r\n${line}\r\n\r\n`)
      const startedMs = performance.now()
      new StreamFramer().push(head)
      const tookMs = performance.now() - startedMs
      console.log(`      ${name}: ${tookMs.toFixed(1)} ms (50 ms)`)
      assert.ok(tookMs < 50)
    })
  }
})
