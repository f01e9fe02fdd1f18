import assert from 'node:assert/strict'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { silentLogger } from '../../src/base/logger.js'
import { startMediaService } from '../../src/media/client.js'
import { AssembledEngine } from '../support/assembled-engine.js'
import { engineInit, Heard, loopbackAccount } from '../support/engine-pair.js'
import { tell } from '../support/figures.js'
import { RawPeer } from '../support/raw-peer.js'

const PROMISED_SEC = 60
/** The default of an account. */
const MEDIA_TIMEOUT_MS = 20_000
/** The account's ports: exactly as many as the calls of this test need. */
const PORTS = { rtpPortMin: 42_000, rtpPortMax: 42_003 }

describe('a peer that vanishes without a word', function () {
  this.timeout(90_000)

  it('its call ends by itself with the cause, and its ports are free', async () => {
    const media = startMediaService({ log: silentLogger })
    const engine = new AssembledEngine(engineInit(), { media })
    const heard = new Heard(engine)
    const account = loopbackAccount('caller', { mediaTimeoutMs: MEDIA_TIMEOUT_MS })
    await engine.call('setAccount', { ...account, transport: { ...account.transport, ...PORTS } })

    const [silent, talking] = [await Vanishing.open(), await Vanishing.open()]
    const vanished = async (peer: Vanishing, talksMs: number) => {
      const { callId } = await engine.call('dial', { accountId: 'caller', target: peer.sip.uri })
      await peer.answer(talksMs)
      const vanishedMs = performance.now()
      const { end, cdr } = await heard.next('call.ended', (event) => event.callId === callId)
      return { end, cdr, tookSec: (performance.now() - vanishedMs) / 1000 }
    }
    const results = await Promise.all([vanished(silent, 0), vanished(talking, 500)])
    for (const [n, what] of ['right after its answer, before any sound', 'in the middle of its sound'].entries()) {
      const { end, tookSec } = results[n] ?? assert.fail()
      tell(`vanished ${what}: ended as ${end.cause} after`, `${tookSec.toFixed(1)} s`, `${PROMISED_SEC} s`)
      assert.equal(end.cause, 'media-timeout')
      assert.ok(tookSec <= PROMISED_SEC, `${tookSec} s`)
    }
    assert.ok((results[1]?.cdr.packetsReceived ?? 0) > 0)

    // Both port pairs are free again; otherwise the next two calls would fail with NO_PORTS.
    const ids = await Promise.all(
      [1, 2].map(async () => (await engine.call('dial', { accountId: 'caller', target: 'sip:x@127.0.0.1:9' })).callId),
    )
    tell('calls that then find a port', `${ids.length}`, 'both')
    await engine.close()
  })
})

/** Answers a call, talks for a while, and vanishes together with its sockets. */
class Vanishing {
  readonly sip: RawPeer
  readonly #rtp: Socket

  static async open(): Promise<Vanishing> {
    const rtp = createSocket('udp4').bind(0, '127.0.0.1')
    await once(rtp, 'listening')
    return new Vanishing(await RawPeer.open(), rtp)
  }

  private constructor(sip: RawPeer, rtp: Socket) {
    this.sip = sip
    this.#rtp = rtp
  }

  async answer(talksMs: number): Promise<void> {
    const invite = await this.sip.requests.next()
    const { port } = this.#rtp.address()
    const lines = [
      'v=0',
      'o=- 1 1 IN IP4 127.0.0.1',
      's=-',
      'c=IN IP4 127.0.0.1',
      't=0 0',
      `m=audio ${port} RTP/AVP 8`,
      '',
    ]
    this.sip.answer(invite, 200, { body: lines.join('\r\n') })
    await this.sip.requests.next() // ACK
    const theirs = Number(/^m=audio (\d+)/m.exec(invite.message.body)?.[1])
    for (let n = 0; n < talksMs / 20; n++) {
      this.#rtp.send(packet(n), theirs, '127.0.0.1')
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    await Promise.all([this.sip.close(), new Promise<void>((resolve) => this.#rtp.close(() => resolve()))])
  }
}

/** RTP, PCMA, silence. */
function packet(n: number): Buffer {
  const bytes = Buffer.alloc(172, 0xd5)
  bytes.writeUInt16BE(0x8008, 0)
  bytes.writeUInt16BE(n, 2)
  bytes.writeUInt32BE(n * 160, 4)
  bytes.writeUInt32BE(7, 8)
  return bytes
}
