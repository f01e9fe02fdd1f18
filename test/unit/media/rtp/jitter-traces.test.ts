/** The jitter buffer against networks: seeded traces of delay, loss, reordering, doubling, drift and jumps. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { JitterBuffer } from '../../../../src/media/rtp/jitter-buffer.js'
import { seeded } from '../../../support/udp-relay.js'

const FRAME_MS = 20
const SAMPLES = 160

interface Network {
  packets: number
  seed?: number
  /** Delay beyond the minimum, for packet n sent at this time. */
  delayMs?: (n: number, sentMs: number, random: () => number) => number
  loss?: number
  doubled?: number
  /** The peer's clock relative to ours, in ppm; 200 is fast. */
  ppm?: number
  /** The timestamp that the peer writes into packet n. */
  sequence?: (n: number) => number
  timestamp?: (n: number) => number
  /** Packets that the peer does not send, without a hole in its numbers. */
  silent?: (n: number) => boolean
  quiet?: (nowMs: number) => boolean
}

interface Outcome {
  /** Numbers played, in order. */
  played: number[]
  /** The time at which each was played, by number. */
  playedAtMs: Map<number, number>
  /** Time from sending to playing, by number. */
  delayMs: Map<number, number>
  /** Steps in which nothing was played between the first and the last packet, and when. */
  gapsMs: number[]
  arrived: Set<number>
  buffer: JitterBuffer
}

function through(network: Network): Outcome {
  const { packets, seed = 1, delayMs = () => 0, loss = 0, doubled = 0, ppm = 0 } = network
  const random = seeded(seed)
  const arrivals: { atMs: number; n: number; sequence: number; timestamp: number }[] = []
  const sentMs: number[] = []
  let sequence = 0
  const arrived = new Set<number>()
  for (let n = 0; n < packets; n++) {
    sentMs[n] = (n * FRAME_MS) / (1 + ppm / 1e6)
    if (network.silent?.(n)) continue
    const number = network.sequence?.(n) ?? sequence++
    const timestamp = network.timestamp?.(n) ?? n * SAMPLES
    if (random() < loss) continue
    arrived.add(n)
    for (let copies = random() < doubled ? 2 : 1; copies > 0; copies--) {
      const atMs = (sentMs[n] ?? 0) + delayMs(n, sentMs[n] ?? 0, random)
      arrivals.push({ atMs, n, sequence: number & 0xffff, timestamp: timestamp >>> 0 })
    }
  }
  arrivals.sort((a, b) => a.atMs - b.atMs)
  return { ...play(network, arrivals, sentMs), arrived }
}

function play(
  { quiet = () => false }: Network,
  arrivals: { atMs: number; n: number; sequence: number; timestamp: number }[],
  sentMs: number[],
): Omit<Outcome, 'arrived'> {
  const buffer = new JitterBuffer({ clockRate: 8000 })
  const outcome = { played: [] as number[], playedAtMs: new Map(), delayMs: new Map(), gapsMs: [] as number[], buffer }
  let since: number[] = []
  const endMs = (arrivals.at(-1)?.atMs ?? 0) + 500
  let next = 0
  // Our steps are not aligned with the peer's.
  for (let nowMs = 7; nowMs < endMs; nowMs += FRAME_MS) {
    for (; (arrivals[next]?.atMs ?? endMs) <= nowMs; next++) {
      const { atMs, n, sequence, timestamp } = arrivals[next] as (typeof arrivals)[number]
      const packet = new Uint8Array(SAMPLES)
      new DataView(packet.buffer).setUint32(0, n)
      buffer.put(sequence, timestamp, 8, SAMPLES, packet, 0, SAMPLES, atMs)
    }
    const pulled = buffer.pull(nowMs, SAMPLES, quiet(nowMs))
    if (pulled !== 'packet') {
      since.push(nowMs)
      continue
    }
    if (outcome.played.length > 0) outcome.gapsMs.push(...since)
    since = []
    const n = new DataView(buffer.packet.buffer, buffer.packet.byteOffset).getUint32(buffer.payloadStart)
    outcome.played.push(n)
    outcome.playedAtMs.set(n, nowMs)
    outcome.delayMs.set(n, nowMs - (sentMs[n] ?? 0))
  }
  return outcome
}

const spread =
  (jitterMs: number) =>
  (_n: number, _sentMs: number, random: () => number): number =>
    random() * jitterMs

/** A share of packets is late, most are not: as in real networks. */
const spikes =
  (share: number, lateMs: number) =>
  (_n: number, _sentMs: number, random: () => number): number =>
    random() < share ? random() * lateMs : random() * 5

const isRising = (numbers: number[]) => numbers.every((n, i) => i === 0 || n > (numbers[i - 1] ?? 0))
const greatest = (numbers: Iterable<number>) => [...numbers].reduce((a, b) => Math.max(a, b), 0)
/** The share of the arrived packets, from this one on, that was played. */
const playedShare = ({ played, arrived }: Outcome, from = 0) =>
  played.filter((n) => n >= from).length / [...arrived].filter((n) => n >= from).length

describe('jitter buffer on networks', () => {
  it('any network: packets are played in order, once each, 300 ms after they came at most, and the delay it aims at is 40 to 200 ms', () => {
    const network = fc.record({
      seed: fc.integer({ min: 1, max: 1e6 }),
      loss: fc.double({ min: 0, max: 0.4, noNaN: true }),
      doubled: fc.double({ min: 0, max: 0.3, noNaN: true }),
      jitterMs: fc.integer({ min: 0, max: 400 }),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
      ppm: fc.integer({ min: -200, max: 200 }),
      quiet: fc.boolean(),
    })
    fc.assert(
      fc.property(network, ({ seed, loss, doubled, jitterMs, share, ppm, quiet }) => {
        const outcome = through({
          packets: 1500,
          seed,
          loss,
          doubled,
          ppm,
          delayMs: spikes(share, jitterMs),
          quiet: () => quiet,
        })
        assert.ok(isRising(outcome.played))
        assert.ok(outcome.buffer.targetMs >= 40 && outcome.buffer.targetMs <= 200)
        const longest = greatest(outcome.delayMs.values())
        // Where all packets come later than 200 ms, their own delay is added.
        assert.ok(longest <= 300 + Math.max(0, jitterMs - 200), `${longest} ms`)
      }),
      { numRuns: 60, seed: 4 },
    )
  })

  it('an even network: everything that arrives is played, what is lost leaves its gap and no other', () => {
    for (const [seed, loss] of [
      [1, 0],
      [2, 0.05],
      [3, 0.2],
    ] as const) {
      const outcome = through({ packets: 3000, seed, loss })
      assert.deepEqual(outcome.played, [...outcome.arrived])
      assert.ok(greatest(outcome.delayMs.values()) <= 60)
    }
  })

  it('jitter up to 150 ms is learnt: after 10 s nearly nothing that arrives comes too late', () => {
    for (const jitterMs of [20, 50, 100, 150]) {
      for (const [name, delayMs] of [
        ['even', spread(jitterMs)],
        ['spikes', spikes(0.02, jitterMs)],
      ] as const) {
        const outcome = through({ packets: 6000, seed: jitterMs, delayMs })
        const share = playedShare(outcome, 500)
        const late = [...outcome.delayMs.entries()].filter(([n]) => n > 500).map(([, ms]) => ms)
        const mean = late.reduce((a, b) => a + b, 0) / late.length
        console.log(
          `      ${name} jitter of ${jitterMs} ms: ${((1 - share) * 100).toFixed(2)} % too late, ${outcome.gapsMs.length} gaps, mean delay ${mean.toFixed(0)} ms`,
        )
        assert.ok(share >= 0.98, `${share}`)
      }
    }
  })

  it('a network that becomes 100 ms slower costs the step itself and little more; faster again, the delay comes down', () => {
    const outcome = through({
      packets: 6000,
      delayMs: (_n, sentMs) => (sentMs > 10_000 && sentMs < 40_000 ? 100 : 0),
      quiet: (nowMs) => Math.floor(nowMs / 1000) % 3 === 0,
    })
    const up = outcome.gapsMs.filter((ms) => ms > 9_000 && ms < 40_000)
    const settled = outcome.delayMs.get(5900) ?? Number.POSITIVE_INFINITY
    console.log(`      +100 ms: ${up.length} gaps of 20 ms; 80 s after -100 ms the delay is ${settled.toFixed(0)} ms`)
    assert.ok(up.length <= 8)
    assert.ok(settled <= 80)
  })

  it('clocks that differ by 200 ppm: one packet in 100 s, no more, and the delay stays where it is', () => {
    for (const ppm of [-200, 200]) {
      for (const loud of [true, false]) {
        const outcome = through({ packets: 45_000, ppm, delayMs: spread(5), quiet: () => !loud })
        const lost = outcome.arrived.size - outcome.played.length
        const delayMs = greatest([...outcome.delayMs].filter(([n]) => n > 40_000).map(([, ms]) => ms))
        console.log(
          `      ${ppm} ppm for 15 minutes, ${loud ? 'loud' : 'quiet'}: ${lost} packets left out, ${outcome.gapsMs.length} gaps, delay ${delayMs.toFixed(0)} ms`,
        )
        // 180 ms in all: nine packets of 20 ms; each correction may overshoot by one.
        assert.ok(lost + outcome.gapsMs.length <= 30)
        assert.ok(delayMs <= 140)
      }
    }
  })

  it('the peer’s numbers or timestamps jump: sound is back within 300 ms', () => {
    const jumps: Record<string, Partial<Network>> = {
      'numbers ahead': { sequence: (n) => (n < 200 ? n : n + 5000) },
      'numbers back': { sequence: (n) => (n < 200 ? n + 40_000 : n) },
      'numbers a little ahead': { sequence: (n) => (n < 200 ? n : n + 20) },
      'timestamps ahead': { timestamp: (n) => n * SAMPLES + (n < 200 ? 0 : 8_000_000) },
      'timestamps back': { timestamp: (n) => n * SAMPLES + (n < 200 ? 8_000_000 : 0) },
      'timestamps a little back': { timestamp: (n) => n * SAMPLES + (n < 200 ? 4000 : 0) },
      both: {
        sequence: (n) => n + (n < 200 ? 0 : 30_000),
        timestamp: (n) => n * SAMPLES + (n < 200 ? 0 : 123_456_789),
      },
    }
    for (const [name, jump] of Object.entries(jumps)) {
      const outcome = through({ packets: 600, delayMs: spread(10), ...jump })
      const lastBefore = outcome.playedAtMs.get(outcome.played.filter((n) => n < 200).at(-1) ?? 0) ?? 0
      const firstAfter = outcome.playedAtMs.get(outcome.played.find((n) => n >= 200) ?? 0) ?? Number.POSITIVE_INFINITY
      const delayMs = greatest([...outcome.delayMs].filter(([n]) => n > 400).map(([, ms]) => ms))
      console.log(
        `      ${name}: silent for ${firstAfter - lastBefore} ms, then ${delayMs.toFixed(0)} ms of delay, ${outcome.arrived.size - outcome.played.length} packets left out`,
      )
      assert.ok(firstAfter - lastBefore <= 300, name)
      assert.ok(delayMs <= 300, name)
      assert.ok(playedShare(outcome, 250) >= 0.98, name)
    }
  })

  it('a peer that is silent between words (DTX): no word is cut, and the delay adapts between them', () => {
    const silent = (n: number) => n % 100 >= 60
    const outcome = through({ packets: 5000, silent, delayMs: spread(60), quiet: () => false, seed: 8 })
    const share = playedShare(outcome, 500)
    console.log(`      DTX with 60 ms of jitter: ${((1 - share) * 100).toFixed(2)} % too late`)
    assert.ok(share >= 0.99)
  })
})
