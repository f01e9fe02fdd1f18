import assert from 'node:assert/strict'
import { PCMA } from '../../../src/media/codec/g711.js'
import { buildRtcp } from '../../../src/media/rtp/rtcp-packet.js'
import { emptyRtpView, writeRtpHeader } from '../../../src/media/rtp/rtp-packet.js'
import { RtcpReporter } from '../../../src/media/worker/rtcp-reporter.js'
import { RtpReceiver } from '../../../src/media/worker/rtp-receiver.js'
import { RtpSender } from '../../../src/media/worker/rtp-sender.js'
import { seeded } from '../../support/udp-relay.js'

const PEER = { host: '192.0.2.5', port: 4000, rtcpPort: 4001 }
const PACKETS = 200_000

/** Changes up to four octets, and sometimes the length. */
function mutate(packet: Uint8Array, random: () => number): Uint8Array {
  const bytes = packet.slice(0, random() < 0.2 ? Math.floor(random() * packet.length) : packet.length)
  for (let n = Math.floor(random() * 5); n > 0 && bytes.length > 0; n--) {
    bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256)
  }
  return bytes
}

describe('mutated packets of the peer in a call', () => {
  it(`${PACKETS} RTP packets: none throws, and the next good ones are heard`, () => {
    const random = seeded(42)
    let digits = 0
    const receiver = new RtpReceiver({
      view: emptyRtpView(),
      events: { started: () => undefined, digit: () => digits++ },
    })
    receiver.configure({ codec: PCMA, payloadType: 8, eventTypes: [101], tones: false, remote: PEER })
    const frame = new Int16Array(160)
    const sound = new Uint8Array(172).fill(0x2a)
    const event = new Uint8Array(16)
    const put = (n: number, bad: boolean) => {
      const packet = n % 10 === 0 ? event : sound
      writeRtpHeader(packet, packet === event ? 101 : 8, false, n & 0xffff, (n * 160) >>> 0, 9)
      receiver.receive(bad ? mutate(packet, random) : packet, PEER.host, PEER.port, n * 20)
      receiver.pull(frame, 160, n * 20)
    }
    for (let n = 0; n < PACKETS; n++) put(n, true)
    const before = receiver.statistics.packetsReceived
    for (let n = PACKETS; n < PACKETS + 100; n++) put(n, false)
    assert.ok(receiver.statistics.packetsReceived - before >= 98)
    assert.ok(frame.every((sample) => sample === PCMA.toLinear[0x2a]))
    assert.ok(digits > 0)
  })

  it(`${PACKETS} RTCP packets: none throws, and figures stay figures`, () => {
    const random = seeded(43)
    const events = { transmit: () => undefined, playEnded: () => undefined, digitsSent: () => undefined }
    const sender = new RtpSender(events, { ssrc: 1, sequence: 0, timestamp: 0 })
    const receiver = new RtpReceiver({
      view: emptyRtpView(),
      events: { started: () => undefined, digit: () => undefined },
    })
    const reporter = new RtcpReporter(
      { sender, statistics: receiver.statistics },
      { intervalMs: 5000, newCname: () => 'c', random },
    )
    sender.configure({ codec: PCMA, payloadType: 8, eventType: 101, intervalMs: 20, sending: true })
    sender.tick(0)
    const block = {
      ssrc: 1,
      fractionLost: 3,
      cumulativeLost: 7,
      extendedHighestSequence: 9,
      jitter: 11,
      lastSr: 0x1234_5678,
      delaySinceLastSr: 65_536,
    }
    const info = { ntpSeconds: 1, ntpFraction: 2, rtpTimestamp: 3, packets: 4, octets: 5 }
    const good = buildRtcp({ ssrc: 9, cname: 'peer', sender: info, blocks: [block, block], bye: true })
    let heard = 0
    for (let n = 0; n < PACKETS; n++) {
      if (reporter.receive(mutate(good, random), n, 1_700_000_000_000 + n, () => true)) heard++
      const { roundTripMs, remoteLossPercent } = reporter
      assert.ok(roundTripMs === null || (roundTripMs >= 0 && Number.isFinite(roundTripMs)))
      assert.ok(remoteLossPercent === null || (remoteLossPercent >= 0 && remoteLossPercent <= 100))
    }
    assert.ok(heard > PACKETS / 4, `${heard} were still RTCP`)
  })
})
