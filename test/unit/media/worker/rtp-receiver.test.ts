import assert from 'node:assert/strict'
import fc from 'fast-check'
import { PCMA, PCMU } from '../../../../src/media/codec/g711.js'
import { emptyRtpView, writeRtpHeader } from '../../../../src/media/rtp/rtp-packet.js'
import { RtpReceiver } from '../../../../src/media/worker/rtp-receiver.js'
import { measureTone, sine } from '../../../support/audio.js'

const PEER = { host: '192.0.2.5', port: 4000, rtcpPort: 4001 }

function setUp() {
  const told: unknown[] = []
  const receiver = new RtpReceiver({
    view: emptyRtpView(),
    events: { started: () => told.push('started'), digit: (digit, ms) => told.push([digit, ms]) },
  })
  const format = { codec: PCMA, payloadType: 8, eventTypes: [101], tones: false }
  receiver.configure({ ...format, remote: PEER })
  return { receiver, told, format }
}

function packet(type: number, sequence: number, timestamp: number, payload: ArrayLike<number>, ssrc = 9): Uint8Array {
  const bytes = new Uint8Array(12 + payload.length)
  writeRtpHeader(bytes, type, false, sequence, timestamp, ssrc)
  bytes.set(payload, 12)
  return bytes
}

/** A tone through the receiver, frame by frame; `keep` says which packets arrive. */
function hear(
  codec = PCMA,
  {
    type = codec.payloadType,
    packetSamples = 160,
    durationMs = 2000,
    amplitude = 1,
    keep = (n: number): boolean => n >= 0,
    from = 0,
  } = {},
) {
  const { receiver } = setUp()
  const tone = sine(1000, durationMs).map((v) => v * amplitude)
  const heard: number[] = []
  const frame = new Int16Array(160)
  let sent = 0
  for (let nowMs = 0; nowMs < durationMs; nowMs += 20) {
    for (; sent * packetSamples < (nowMs + 20) * 8; sent++) {
      const part = tone.subarray(sent * packetSamples, (sent + 1) * packetSamples)
      const coded = Uint8Array.from(part, (v) => codec.toCoded[v & 0xffff] ?? 0)
      if (keep(sent))
        receiver.receive(packet(type, sent, (from + sent * packetSamples) >>> 0, coded), PEER.host, PEER.port, nowMs)
    }
    receiver.pull(frame, 160, nowMs)
    heard.push(...frame)
  }
  return { receiver, heard: Int16Array.from(heard) }
}

/** Two seconds of a tone with SSRC 9, and over it the keys 5, 5, 8, 8. */
function talkAndPress(receiver: RtpReceiver, ssrc: number, firstSequence: number | undefined): Int16Array {
  const tone = sine(1000, 2000)
  const frame = new Int16Array(160)
  const heard: number[] = []
  let [sequence, eventSequence] = [10, firstSequence ?? 0]
  for (let n = 0; n < 100; n++) {
    const step = (n % 25) - 10
    if (step >= 0 && step < 10) {
      const samples = Math.min(step + 1, 8) * 160
      const event = [n < 50 ? 5 : 8, step >= 7 ? 0x8a : 10, samples >> 8, samples & 0xff]
      const number = firstSequence === undefined ? sequence++ : eventSequence++ & 0xffff
      receiver.receive(packet(101, number, (n - step) * 160, event, ssrc), PEER.host, PEER.port, n * 20)
    }
    const coded = Uint8Array.from(tone.subarray(n * 160, (n + 1) * 160), (v) => PCMA.toCoded[v & 0xffff] ?? 0)
    receiver.receive(packet(8, sequence++, n * 160, coded), PEER.host, PEER.port, n * 20)
    receiver.pull(frame, 160, n * 20)
    heard.push(...frame)
  }
  return Int16Array.from(heard)
}

describe('RTP receiver', () => {
  it('has no jitter buffer before the first packet: a call that is not answered costs none', () => {
    const { receiver } = setUp()
    receiver.pull(new Int16Array(160), 160, 0)
    assert.equal(receiver.bufferedMs, 0)
    receiver.receive(packet(8, 1, 160, new Uint8Array(160)), PEER.host, PEER.port, 0)
    assert.ok(receiver.bufferedMs > 0)
  })

  it('hears what was sent, at its level', () => {
    const { receiver, heard } = hear()
    assert.ok(measureTone(heard, 1000).share > 0.99)
    assert.ok(Math.abs((receiver.levelDbfs ?? 0) + 13) < 0.2)
    assert.equal(receiver.concealedFrames, 0)
  })

  it('hears a stream whole whose timestamps begin again in the middle', () => {
    const { receiver, heard } = hear(PCMA, { from: 2 ** 32 - 8000 })
    assert.ok(measureTone(heard, 1000).share > 0.99)
    assert.equal(receiver.concealedFrames, 0)
    assert.equal(receiver.statistics.maxJitterMs, 0)
    assert.deepEqual(heard, hear().heard)
  })

  for (const ms of [5, 10, 20, 30, 60, 100, 120, 128, 200]) {
    it(`packets of ${ms} ms (RFC 3551 4.2: 0 to 200) fill frames of 20 ms, for as long as they come`, () => {
      const { receiver, heard } = hear(PCMA, { packetSamples: ms * 8, durationMs: 12_000 })
      assert.ok(measureTone(heard, 1000).share > 0.99)
      assert.deepEqual([receiver.concealedFrames, receiver.discardedPackets], [0, 0])
    })
  }

  it('long packets are not dropped in quiet moments, and a lost one costs its own length only', () => {
    for (const ms of [60, 120, 200]) {
      const quiet = hear(PCMA, { packetSamples: ms * 8, durationMs: 12_000, amplitude: 0 }).receiver
      assert.equal(quiet.discardedPackets, 0, `${ms} ms`)
      const { receiver } = hear(PCMA, { packetSamples: ms * 8, durationMs: 12_000, keep: (n) => n % 10 !== 5 })
      const lost = Math.ceil((12_000 / ms - 5) / 10)
      assert.ok(receiver.concealedFrames <= (lost * ms) / 20 + lost, `${ms} ms: ${receiver.concealedFrames} frames`)
    }
  })

  it('after a lost long packet the next one is played as it comes, however late: a pause is longer than one packet', () => {
    const { receiver } = setUp()
    const frame = new Int16Array(160)
    const sound = Uint8Array.from(sine(1000, 200), (v) => PCMA.toCoded[v & 0xffff] ?? 0)
    const LATE_MS = 1260 // of packet 6, which is due at 1200; packet 5 is lost
    const loudAt: number[] = []
    for (let nowMs = 0; nowMs < 1600; nowMs += 20) {
      const n = nowMs === LATE_MS ? 6 : nowMs / 200
      if (Number.isInteger(n) && n !== 5 && (n !== 6 || nowMs === LATE_MS))
        receiver.receive(packet(8, n, n * 1600, sound), PEER.host, PEER.port, nowMs)
      receiver.pull(frame, 160, nowMs)
      if (frame.some((v) => Math.abs(v) > 3000)) loudAt.push(nowMs)
    }
    // Concealment fades within 60 ms, so this sound is that of packet 6.
    assert.equal(
      loudAt.find((ms) => ms > 1140),
      LATE_MS,
    )
  })

  it('sound ends the pause that comfort noise began: a loss after it is concealed', () => {
    const { receiver } = setUp()
    const frame = new Int16Array(160)
    for (let n = 0; n < 20; n++) {
      const part = n < 5 ? packet(13, n, n * 160, [60]) : packet(8, n, n * 160, new Uint8Array(160).fill(0x2a))
      receiver.receive(part, PEER.host, PEER.port, n * 20)
      receiver.pull(frame, 160, n * 20)
    }
    for (let n = 20; n < 25; n++) receiver.pull(frame, 160, n * 20)
    assert.ok(receiver.concealedFrames > 0)
  })

  it('undecodable is a peer of which more than half of the packets cannot be decoded', () => {
    for (const [strange, heard] of [
      [5, 'silence'],
      [6, 'undecodable'],
    ] as const) {
      const { receiver } = setUp()
      for (let n = 0; n < 10; n++) {
        const part = n < strange ? packet(111, n, n * 160, [1, 2, 3]) : packet(13, n, n * 160, [60])
        receiver.receive(part, PEER.host, PEER.port, n * 20)
      }
      assert.deepEqual([receiver.undecodedPackets, receiver.heard(true)], [strange, heard])
    }
  })

  it('five packets from one other address, not four, are the reason why nothing was heard', () => {
    const { receiver } = setUp()
    const fromOther = (n: number) =>
      receiver.receive(packet(8, n, n * 160, new Uint8Array(160)), '192.0.2.99', 9000, n * 20)
    for (let n = 0; n < 4; n++) fromOther(n)
    assert.deepEqual([receiver.strangerPackets, receiver.heard(true)], [4, 'nothing'])
    fromOther(4)
    assert.equal(receiver.heard(true), 'other-source')
  })

  it('a packet of more than 200 ms is not heard, and says so', () => {
    const { receiver } = hear(PCMA, { packetSamples: 2000 })
    assert.equal(receiver.heard(true), 'undecodable')
    assert.deepEqual(receiver.undecoded, [{ payloadType: 8, octets: 2000, packets: 8 }])
  })

  it('a peer that sends the other law than negotiated is understood', () => {
    assert.ok(measureTone(hear(PCMU).heard, 1000).share > 0.99)
  })

  it('lost packets are concealed and counted', () => {
    const { receiver, heard } = hear(PCMA, { keep: (n) => n % 10 !== 5 })
    assert.equal(receiver.concealedFrames, 10)
    assert.equal(receiver.statistics.packetsLost, 10)
    assert.ok(measureTone(heard, 1000).share > 0.99, 'a tone goes on as it was')
  })

  it('tells the first packet once, and each digit once', () => {
    const { receiver, told } = setUp()
    for (let n = 0; n < 5; n++) {
      receiver.receive(packet(101, n, 1000, [5, n > 2 ? 0x8a : 10, 3, 32]), PEER.host, PEER.port, n * 20)
    }
    assert.deepEqual(told, ['started', ['5', 100]])
  })

  it('neither digits nor comfort noise nor a pause of them are concealed', () => {
    const { receiver } = setUp()
    const frame = new Int16Array(160)
    const silence = new Uint8Array(160).fill(0xd5)
    for (let n = 0; n < 60; n++) {
      const nowMs = n * 20
      if (n < 20) receiver.receive(packet(8, n, n * 160, silence), PEER.host, PEER.port, nowMs)
      else if (n < 28) receiver.receive(packet(101, n, 3200, [1, 10, 0, 160]), PEER.host, PEER.port, nowMs)
      else if (n === 28) receiver.receive(packet(13, n, n * 160, [30]), PEER.host, PEER.port, nowMs)
      receiver.pull(frame, 160, nowMs)
    }
    assert.equal(receiver.concealedFrames, 0)
  })

  it('comfort noise (RFC 3389, payload type 13) after sound is a pause, any other type is none', () => {
    const concealedAfter = (type: number): number => {
      const { receiver } = setUp()
      const frame = new Int16Array(160)
      const sound = new Uint8Array(160).fill(0x2a)
      for (let n = 0; n < 60; n++) {
        if (n < 20) receiver.receive(packet(8, n, n * 160, sound), PEER.host, PEER.port, n * 20)
        else if (n === 20) receiver.receive(packet(type, n, n * 160, [30]), PEER.host, PEER.port, n * 20)
        receiver.pull(frame, 160, n * 20)
      }
      return receiver.concealedFrames
    }
    assert.equal(concealedAfter(13), 0)
    assert.ok(concealedAfter(19) > 0)
  })

  it('nobody is heard before the peer is known, and nobody else afterwards', () => {
    const told: unknown[] = []
    const receiver = new RtpReceiver({
      view: emptyRtpView(),
      events: { started: () => told.push('started'), digit: () => told.push('digit') },
    })
    const silence = new Uint8Array(160)
    receiver.receive(packet(8, 1, 0, silence), PEER.host, PEER.port, 0)
    receiver.configure({ codec: PCMA, payloadType: 8, eventTypes: [], tones: false, remote: PEER })
    receiver.receive(packet(8, 1, 0, silence), '198.51.100.1', PEER.port, 0)
    assert.deepEqual([told, receiver.strangerPackets, receiver.statistics.packetsReceived], [[], 1, 0])
  })

  it('the same peer again keeps its source, another one is waited for; strangers go on being counted', () => {
    const { receiver, format } = setUp()
    const silence = new Uint8Array(160)
    receiver.receive(packet(8, 1, 0, silence), '198.51.100.1', 1, 0)
    receiver.receive(packet(8, 1, 0, silence), PEER.host, PEER.port, 0)
    const guard = receiver.guard
    receiver.configure({ ...format, remote: { ...PEER } })
    assert.equal(receiver.guard, guard)
    receiver.configure({ ...format, remote: { ...PEER, port: 5000 } })
    assert.equal(receiver.guard?.target.port, 5000)
    receiver.receive(packet(8, 2, 160, silence), PEER.host, PEER.port, 20)
    assert.equal(receiver.strangerPackets, 2)
  })

  it('a new SSRC of the peer is heard at once, its digits too', () => {
    const { receiver, told } = setUp()
    receiver.receive(packet(101, 1, 0xffff_0000, [1, 0x8a, 0, 160], 1), PEER.host, PEER.port, 0)
    receiver.receive(packet(101, 900, 5, [2, 0x8a, 0, 160], 2), PEER.host, PEER.port, 20)
    assert.deepEqual(told, ['started', ['1', 20], ['2', 20]])
    assert.equal(receiver.statistics.packetsReceived, 2)
  })

  for (const [what, ssrc, firstSequence] of [
    ['an SSRC of their own', 77, 100],
    ['numbers of their own', 9, 30_000],
    ['numbers of their own, not far behind', 9, 65_500],
    ['an SSRC and numbers of the sound', 9, undefined],
  ] as const) {
    it(`digits with ${what} leave no hole in the sound`, () => {
      const { receiver, told } = setUp()
      const heard = talkAndPress(receiver, ssrc, firstSequence)
      assert.deepEqual(told, ['started', ['5', 160], ['5', 160], ['8', 160], ['8', 160]])
      assert.equal(receiver.concealedFrames, 0)
      assert.ok(measureTone(heard, 1000).share > 0.99)
      assert.deepEqual([receiver.statistics.packetsReceived, receiver.statistics.packetsLost], [140, 0])
    })
  }

  for (const [what, type, octets, undecoded] of [
    ['packets of an unknown type', 96, 100, 100],
    ['empty packets of an unknown type, which keep a NAT open (RFC 6263 4.6),', 126, 0, 0],
    ['empty packets of the codec (RFC 6263 4.1)', 8, 0, 0],
    ['comfort noise', 13, 1, 0],
  ] as const) {
    it(`${what} under another SSRC leave no hole in the sound (RFC 3550 5.1)`, () => {
      const { receiver, told } = setUp()
      const tone = sine(1000, 2000)
      const frame = new Int16Array(160)
      const heard: number[] = []
      for (let n = 0; n < 100; n++) {
        const coded = Uint8Array.from(tone.subarray(n * 160, (n + 1) * 160), (v) => PCMA.toCoded[v & 0xffff] ?? 0)
        receiver.receive(packet(type, 30_000 + n, n, new Uint8Array(octets), 55), PEER.host, PEER.port, n * 20)
        receiver.receive(packet(8, n, n * 160, coded), PEER.host, PEER.port, n * 20)
        receiver.pull(frame, 160, n * 20)
        heard.push(...frame)
      }
      assert.deepEqual(told, ['started'])
      assert.ok(measureTone(Int16Array.from(heard), 1000).share > 0.99)
      assert.deepEqual([receiver.concealedFrames, receiver.statistics.packetsLost], [0, 0])
      assert.equal(receiver.undecodedPackets, undecoded)
      assert.ok(receiver.unplayedPackets <= 1, 'only the packet before the first sound')
    })
  }

  it('an unknown type is undecodable where nothing else comes, also if its SSRC changes', () => {
    const { receiver } = setUp()
    for (let n = 0; n < 100; n++)
      receiver.receive(packet(96, n, n * 160, new Uint8Array(160), n < 50 ? 1 : 2), PEER.host, PEER.port, n * 20)
    assert.equal(receiver.heard(true), 'undecodable')
    assert.deepEqual(receiver.undecoded, [{ payloadType: 96, octets: 160, packets: 100 }])
  })

  it('takes any bytes from the peer', () => {
    const bytes = fc.uint8Array({ maxLength: 700 }).map((b) => {
      if (b.length > 1) b.set([0x80 | ((b[0] ?? 0) & 0x3f), [8, 0, 101, 13, 96][(b[1] ?? 0) % 5] ?? 8])
      return b
    })
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 50 }), (packets) => {
        const { receiver } = setUp()
        const frame = new Int16Array(160)
        packets.forEach((p, i) => {
          receiver.receive(p, PEER.host, PEER.port, i * 20)
          receiver.pull(frame, 160, i * 20)
        })
      }),
    )
  })
})

describe('RTP receiver, when the codec changes in the running call', () => {
  it('still decodes packets of the earlier payload type, and those of the new one before the change is known', () => {
    const { receiver, format } = setUp()
    receiver.configure({ ...format, codec: PCMU, payloadType: 96, remote: PEER })
    const sound = (type: number, n: number) =>
      receiver.receive(packet(type, n, n * 160, Array(160).fill(1)), PEER.host, PEER.port, n * 20)
    sound(96, 0)
    receiver.configure({ ...format, remote: PEER })
    sound(96, 1)
    sound(8, 2)
    sound(0, 3)
    assert.deepEqual([receiver.soundPackets, receiver.undecodedPackets], [4, 0])
  })
})
