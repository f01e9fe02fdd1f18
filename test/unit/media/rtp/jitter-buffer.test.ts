import assert from 'node:assert/strict'
import fc from 'fast-check'
import { JitterBuffer, type Pulled } from '../../../../src/media/rtp/jitter-buffer.js'

const FRAME_MS = 20
const SAMPLES = 160

/** Plays a list of arrivals against a pull every 20 ms; each packet's octets are its number. */
class Line {
  readonly buffer = new JitterBuffer({ clockRate: 8000 })
  /** Numbers of the packets played, and the replacements of lost ones. */
  readonly played: (number | Pulled)[] = []
  readonly #arrivals: { atMs: number; put: () => void }[] = []
  nowMs = 0

  arrive(
    atMs: number,
    sequence: number,
    { timestamp = sequence * SAMPLES, samples = SAMPLES, type = 8, mark = sequence } = {},
  ): this {
    const payload = new Uint8Array(samples).fill(mark)
    const put = () =>
      this.buffer.put(
        sequence & 0xffff,
        timestamp >>> 0,
        type,
        samples,
        payload,
        0,
        samples,
        Math.max(atMs, this.nowMs),
      )
    this.#arrivals.push({ atMs, put })
    return this
  }

  run(untilMs: number, { quiet = true } = {}): this {
    this.#arrivals.sort((a, b) => a.atMs - b.atMs)
    for (; this.nowMs < untilMs; this.nowMs += FRAME_MS) {
      while (this.#arrivals[0] && this.#arrivals[0].atMs <= this.nowMs) this.#arrivals.shift()?.put()
      const pulled = this.buffer.pull(this.nowMs, SAMPLES, quiet)
      this.played.push(pulled === 'packet' ? (this.buffer.packet[this.buffer.payloadStart] ?? -1) : pulled)
    }
    return this
  }

  get packets(): (number | Pulled)[] {
    return this.played.filter((p) => p !== 'waiting')
  }
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)

/** Numbers from..to, each at its time plus what `late` says. */
function stream(from: number, to: number, late: (n: number) => number = () => 0): Line {
  const line = new Line()
  for (const n of range(from, to)) line.arrive((n - from) * FRAME_MS + late(n), n)
  return line
}

describe('jitter buffer', () => {
  it('plays an even stream whole, 40 ms after it came', () => {
    const line = stream(1, 100).run(100 * FRAME_MS + 40)
    assert.deepEqual(line.played.slice(0, 3), ['waiting', 'waiting', 1])
    assert.deepEqual(line.packets, range(1, 100))
  })

  it('puts packets in order, over the end of the numbers, and drops doubled ones', () => {
    const line = new Line()
    const order = [65534, 65536, 65535, 65537, 65537, 65539, 65538, 65540]
    order.forEach((n, i) => {
      line.arrive(i * 18, n)
    })
    line.run(200)
    assert.deepEqual(
      line.packets.slice(0, 7),
      range(65534, 65540).map((n) => n & 0xff),
    )
    assert.equal(line.buffer.discardedPackets, 0, 'RFC 3611 4.7.1: duplicates do not count')
  })

  it('each packet is either played or counted as discarded', () => {
    for (const [what, late] of [
      ['bursts of 20', (n: number) => (20 - (n % 20)) * FRAME_MS],
      ['a burst of 50 after a pause', (n: number) => Math.max(0, 50 - n) * FRAME_MS],
      ['a burst of 150 after a pause', (n: number) => Math.max(0, 150 - n) * FRAME_MS],
      ['some packets too late', (n: number) => (n % 10 === 5 ? 150 : 0)],
      ['an even stream', () => 0],
    ] as const) {
      const line = stream(0, 199, late).run(210 * FRAME_MS + 400, { quiet: false })
      const played = line.played.filter((p) => typeof p === 'number').length
      assert.equal(played + line.buffer.discardedPackets, 200, what)
      assert.equal(line.buffer.discardedPackets > 0, what !== 'an even stream', what)
    }
  })

  it('sound that waits when the source changes is discarded', () => {
    const line = stream(1, 2).run(20)
    line.buffer.reset()
    assert.equal(line.buffer.discardedPackets, 1)
  })

  it('packets that come again after they were played neither count as discarded nor make the delay grow', () => {
    const line = stream(1, 50)
    for (const n of range(1, 50)) line.arrive((n - 1) * FRAME_MS + 150, n)
    line.run(50 * FRAME_MS)
    assert.equal(line.buffer.discardedPackets, 0)
    assert.equal(line.buffer.targetMs, 40)
  })

  it('sound whose numbers step back a little is not taken for duplicates', () => {
    const line = stream(100, 150)
    for (const n of range(1, 20)) line.arrive((50 + n) * FRAME_MS, 110 + n, { timestamp: (150 + n) * SAMPLES })
    line.run(72 * FRAME_MS)
    assert.equal(line.buffer.discardedPackets, 20)
  })

  it('plays the same wherever numbers and timestamps begin: they may end in the middle of the stream', () => {
    const late = (n: number) => (n % 7 === 3 ? 50 : 0)
    const played = (timestampOfFirst: number, firstSequence: number) => {
      const line = new Line()
      for (const n of range(1, 50)) {
        if (n === 20) continue
        const timestamp = timestampOfFirst + n * SAMPLES
        line.arrive(n * FRAME_MS + late(n), firstSequence + n, { timestamp, mark: n })
      }
      return line.run(50 * FRAME_MS).played
    }
    const plain = played(0, 0)
    assert.ok(plain.filter((p) => typeof p === 'number').length >= 40)
    for (const wrapsAt of range(1, 50)) {
      for (const end of [2 ** 32, 2 ** 31]) {
        const from = end - wrapsAt * SAMPLES
        assert.deepEqual(played(from, 65_530), plain, `timestamps from ${from}`)
      }
    }
  })

  it('a missing packet is lost in its place', () => {
    const line = new Line()
    for (const n of range(1, 20)) if (n !== 7 && n !== 8) line.arrive(n * FRAME_MS, n)
    line.run(440)
    assert.deepEqual(line.packets.slice(0, 10), [1, 2, 3, 4, 5, 6, 'lost', 'lost', 9, 10])
  })

  it('jitter within the cushion is not heard', () => {
    const line = stream(1, 50, (n) => (n * 7) % 35).run(50 * FRAME_MS)
    assert.deepEqual(line.packets, range(1, line.packets.length))
  })

  it('a late packet makes the delay grow, and the next one as late is played without a gap', () => {
    const line = stream(1, 60, (n) => (n >= 10 && n % 10 === 0 ? 75 : 0)).run(62 * FRAME_MS)
    const gaps = line.packets.filter((p) => typeof p !== 'number')
    assert.ok(gaps.length >= 2 && gaps.length <= 5, `${gaps.length} gaps`)
    assert.ok(line.packets.slice(-20).every((p) => typeof p === 'number'))
  })

  it('a timestamp gap without a sequence gap is silence, not loss', () => {
    const line = new Line()
    for (const n of range(1, 10)) line.arrive(n * FRAME_MS, n)
    // The peer is silent for 100 ms, then goes on with the next number.
    for (const n of range(11, 20)) line.arrive(n * FRAME_MS + 100, n, { timestamp: (n + 5) * SAMPLES })
    line.run(600)
    assert.ok(!line.played.includes('lost'))
    const silence = line.packets.slice(10, line.packets.indexOf(11))
    assert.equal(silence.length, 5)
  })

  it('numbers taken by events or comfort noise do not count as loss', () => {
    const line = new Line()
    for (const n of range(1, 10)) line.arrive(n * FRAME_MS, n)
    for (const n of range(11, 15)) line.arrive(n * FRAME_MS, n, { timestamp: 11 * SAMPLES, samples: 0 })
    for (const n of range(16, 30)) line.arrive(n * FRAME_MS, n)
    line.run(700)
    assert.ok(!line.played.includes('lost'))
    assert.deepEqual(
      line.packets.filter((p) => typeof p === 'number'),
      [...range(1, 10), ...range(16, 30)],
    )
  })

  it('a burst after an outage does not leave the delay high', () => {
    const line = stream(1, 200, (n) => (n > 40 && n <= 70 ? (70 - n) * FRAME_MS : 0)).run(202 * FRAME_MS)
    const last = line.played.at(-1)
    assert.ok(typeof last === 'number' && last >= 200 - (200 + 40) / FRAME_MS, `played ${last} of 200 at the end`)
  })

  it('a cushion that is never needed is dropped in quiet moments only', () => {
    const shift = (n: number) => (n < 20 ? 60 : 0) // The network becomes 60 ms faster.
    const quiet = stream(1, 1000, shift).run(1000 * FRAME_MS)
    assert.ok(quiet.buffer.discardedPackets >= 2)
    const aLittle = (n: number) => (n < 20 ? 5 : 0)
    const loud = stream(1, 1000, aLittle).run(1000 * FRAME_MS, { quiet: false })
    assert.equal(loud.buffer.discardedPackets, 0)
    assert.equal(stream(1, 1000, aLittle).run(1000 * FRAME_MS).buffer.discardedPackets, 2)
  })

  it('a jump of the peer’s timestamps is not waited for', () => {
    const line = new Line()
    for (const n of range(1, 10)) line.arrive(n * FRAME_MS, n)
    for (const n of range(11, 60)) line.arrive(n * FRAME_MS, n, { timestamp: 0x7000_0000 + n * SAMPLES })
    line.run(1200)
    assert.ok(line.packets.filter((p) => typeof p === 'number').length >= 45)
  })

  it('a jump of the peer’s numbers starts afresh', () => {
    const line = new Line()
    for (const n of range(1, 10)) line.arrive(n * FRAME_MS, n)
    for (const n of range(40_000, 40_010)) line.arrive((n - 39_989) * FRAME_MS, n)
    line.run(600)
    assert.deepEqual(
      line.packets.filter((p) => typeof p === 'number').slice(-11),
      range(40_000, 40_010).map((n) => n & 0xff),
    )
  })

  it('after a pause it fills up again before it plays', () => {
    const line = new Line()
    for (const n of range(1, 5)) line.arrive(n * FRAME_MS, n)
    for (const n of range(6, 10)) line.arrive(n * FRAME_MS + 2000, n, { timestamp: (n + 100) * SAMPLES })
    line.run(2400)
    const resumed = line.played.indexOf(6)
    assert.deepEqual(line.played.slice(resumed - 2, resumed), ['waiting', 'waiting'])
    assert.deepEqual(line.played.slice(resumed, resumed + 5), range(6, 10))
  })

  it('takes packets of any length in any order without an exception, and plays each number at most once', () => {
    const arrival = fc.record({
      sequence: fc.integer({ min: 0, max: 0xffff }),
      timestamp: fc.integer({ min: 0, max: 0xffff_ffff }),
      samples: fc.integer({ min: 0, max: 600 }),
      waitMs: fc.integer({ min: 0, max: 80 }),
    })
    fc.assert(
      fc.property(fc.array(arrival, { maxLength: 200 }), fc.boolean(), (arrivals, near) => {
        const buffer = new JitterBuffer({ clockRate: 8000 })
        let nowMs = 0
        for (const { sequence, timestamp, samples, waitMs } of arrivals) {
          const payload = new Uint8Array(samples)
          buffer.put(near ? sequence % 64 : sequence, timestamp, 8, samples, payload, 0, samples, nowMs)
          nowMs += waitMs
          const pulled = buffer.pull(nowMs, SAMPLES, true)
          if (pulled !== 'packet') continue
          assert.ok(buffer.payloadStart + buffer.payloadOctets <= buffer.packet.length)
          assert.ok(buffer.payloadOctets > 0)
        }
      }),
    )
  })

  it('timestamps that jump back do not look like an overfull buffer: every packet is played', () => {
    const line = new Line()
    for (const n of range(0, 99)) {
      const timestamp = n < 50 ? 1_000_000 + n * SAMPLES : (n - 50) * SAMPLES
      line.arrive(n * FRAME_MS, n, { timestamp })
    }
    line.run(100 * FRAME_MS)
    assert.equal(line.buffer.discardedPackets, 0)
    assert.deepEqual(
      line.packets.filter((p) => typeof p === 'number'),
      range(0, 97),
    )
  })
})
