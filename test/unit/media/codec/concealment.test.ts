import assert from 'node:assert/strict'
import { Concealment } from '../../../../src/media/codec/concealment.js'
import { findPeriod } from '../../../../src/media/codec/pitch.js'
import { measureTone, rmsDbfs, sine } from '../../../support/audio.js'
import { seeded } from '../../../support/udp-relay.js'

const FRAME = 160

type Stand = (frame: Int16Array, last: Int16Array) => void

/** The sound with these frames lost, and what `conceal` puts in their places. */
function throughLoss(sound: Int16Array, isLost: (frame: number) => boolean, conceal?: Stand): Int16Array {
  const out = sound.slice()
  const concealment = new Concealment()
  for (let n = 0; (n + 1) * FRAME <= out.length; n++) {
    const frame = out.subarray(n * FRAME, (n + 1) * FRAME)
    if (conceal && isLost(n)) conceal(frame, out.subarray((n - 1) * FRAME, n * FRAME))
    else if (!conceal && isLost(n)) concealment.fill(out, n * FRAME, FRAME)
    else if (!conceal) concealment.heard(out, n * FRAME, FRAME)
  }
  return out
}

const silence: Stand = (frame) => frame.fill(0)
const repeat: Stand = (frame, last) => frame.set(last)

/** A share of the frames, never the first one; the same in every run. */
function lossOf(share: number, seed: number): (frame: number) => boolean {
  const random = seeded(seed)
  const lost = Array.from({ length: 2000 }, (_, n) => n > 2 && random() < share)
  return (n) => lost[n] ?? false
}

const peak = (samples: Int16Array) => samples.reduce((max, s) => Math.max(max, Math.abs(s)), 0)

/** The largest step from one sample to the next one but one, less that to the next: 0 for a straight line. A click is a large one. */
function roughest(samples: Int16Array): number {
  let worst = 0
  for (let i = 2; i < samples.length; i++) {
    worst = Math.max(worst, Math.abs((samples[i] ?? 0) - 2 * (samples[i - 1] ?? 0) + (samples[i - 2] ?? 0)))
  }
  return worst
}

/** A voice-like sound: a pitch that moves from 100 Hz to 160 Hz, with overtones. */
function voice(durationMs: number): Int16Array {
  let phase = 0
  return Int16Array.from({ length: durationMs * 8 }, (_, i) => {
    phase += (2 * Math.PI * (130 + 30 * Math.sin(i / 8000))) / 8000
    return 2500 * (Math.sin(phase) + 0.6 * Math.sin(2 * phase) + 0.4 * Math.sin(3 * phase) + 0.2 * Math.sin(7 * phase))
  })
}

function differenceDb(a: Int16Array, b: Int16Array): number {
  return rmsDbfs(a.map((value, i) => value - (b[i] ?? 0))) - rmsDbfs(b)
}

describe('concealment: G.711 Appendix I', () => {
  it('finds the period of a voice, and a multiple of it of a tone', () => {
    for (const hz of [70, 100, 133, 160, 195]) {
      const period = findPeriod(sine(hz, 100))
      const periods = Math.round((period * hz) / 8000)
      assert.ok(Math.abs(period - (periods * 8000) / hz) <= 1, `${hz} Hz: ${period}`)
    }
    assert.equal(findPeriod(sine(400, 100)) % 20, 0)
    assert.ok(findPeriod(new Int16Array(390)) >= 40)
  })

  it('a tone with 5 % of its packets lost stays a tone, without clicks; silence and repeating do not come near', () => {
    for (const hz of [400, 440, 1000]) {
      const tone = sine(hz, 20_000)
      const isLost = lossOf(0.05, 7)
      const share = (conceal?: Stand) => measureTone(throughLoss(tone, isLost, conceal), hz).share
      const [ours, silent, repeated] = [share(), share(silence), share(repeat)]
      console.log(
        `      ${hz} Hz, 5 % lost, share of the tone: ${ours.toFixed(4)} (>= 0.99), repeated ${repeated.toFixed(4)}, silence ${silent.toFixed(4)}`,
      )
      assert.ok(ours >= 0.99)
      assert.ok(silent < ours && (repeated <= ours || hz !== 440))
      // The result is not rougher than the tone itself.
      assert.ok(roughest(throughLoss(tone, isLost)) <= roughest(tone) * 1.5, 'a click')
      // Packets of 20 ms hold whole periods of the other two, which begin and end at 0.
      if (hz === 440) assert.ok(roughest(throughLoss(tone, isLost, silence)) > roughest(tone) * 2, 'it finds clicks')
    }
  })

  it('a voice comes nearer to what was lost than with silence or the last packet again', () => {
    const sound = voice(20_000)
    const isLost = lossOf(0.05, 11)
    const error = (conceal?: Stand) => differenceDb(throughLoss(sound, isLost, conceal), sound)
    const [ours, silent, repeated] = [error(), error(silence), error(repeat)]
    console.log(
      `      voice, 5 % lost, difference: ${ours.toFixed(1)} dB, repeated ${repeated.toFixed(1)}, silence ${silent.toFixed(1)}`,
    )
    assert.ok(ours < silent - 3 && ours < repeated - 3)
    assert.ok(roughest(throughLoss(sound, isLost)) < roughest(throughLoss(sound, isLost, silence)) / 2)
  })

  it('goes on at full level for 10 ms, then softer and softer, and is silent after 60 ms', () => {
    const concealment = new Concealment()
    const tone = sine(200, 60, { rmsDbfs: -10 })
    concealment.heard(tone, 0, tone.length)
    const levels: number[] = []
    for (let step = 0; step < 8; step++) {
      const frame = new Int16Array(80)
      concealment.fill(frame, 0, 80)
      levels.push(rmsDbfs(frame))
    }
    assert.ok(Math.abs((levels[0] ?? 0) + 10) < 0.5, `${levels[0]}`)
    for (let step = 1; step < 6; step++) {
      const [from, to] = [1.2 - 0.2 * step, 1 - 0.2 * step]
      const faded = 10 * Math.log10((from * from + from * to + to * to) / 3)
      assert.ok(Math.abs((levels[step] ?? 0) + 10 - faded) < 0.5, `step ${step}: ${levels[step]}`)
    }
    assert.deepEqual(levels.slice(6), [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY])
    assert.ok(concealment.exhausted)
  })

  it('gives the same whatever the length of the parts that it is asked for', () => {
    const parts = (lengths: number[]): number[] => {
      const concealment = new Concealment()
      concealment.heard(voice(100), 0, 800)
      return lengths.flatMap((n) => {
        const frame = new Int16Array(n + 7)
        concealment.fill(frame, 7, n)
        assert.ok(frame.subarray(0, 7).every((s) => s === 0))
        return [...frame.subarray(7)]
      })
    }
    const whole = parts([480])
    for (const lengths of [[160, 160, 160], [80, 400], Array<number>(48).fill(10)]) {
      const found = parts(lengths)
      assert.equal(found.length, 480)
      // An overlap that ends early at a part shows as a step; nothing else may differ.
      const differs = found.filter((s, i) => Math.abs(s - (whole[i] ?? 0)) > 1).length
      assert.ok(differs <= (lengths.length > 40 ? 60 : 0), `${lengths.length} parts: ${differs} samples differ`)
    }
  })

  it('the sound that comes back fades in over what stood in for it, and from silence after a long loss', () => {
    for (const lostFrames of [1, 2, 5]) {
      const concealment = new Concealment()
      const loud = sine(400, 100, { rmsDbfs: -8 })
      concealment.heard(loud, 0, 800)
      for (let n = 0; n < lostFrames; n++) concealment.fill(new Int16Array(FRAME), 0, FRAME)
      // Half a period off: what comes back is the opposite of what was expected.
      const back = loud.slice(10, 10 + FRAME)
      const original = back.slice()
      concealment.heard(back, 0, FRAME)
      if (lostFrames === 5) assert.ok(peak(back.subarray(0, 8)) < peak(original) / 8)
      else assert.ok(Math.abs((back[5] ?? 0) - (original[5] ?? 0)) > 1000)
      assert.deepEqual(back.subarray(80), original.subarray(80), 'after 10 ms it is the sound alone')
    }
  })

  it('has nothing to say before anything was heard, after a pause on purpose, and never leaves 16 bits', () => {
    const concealment = new Concealment()
    const frame = new Int16Array(FRAME).fill(1)
    assert.ok(concealment.exhausted)
    concealment.fill(frame, 0, FRAME)
    assert.ok(frame.every((s) => s === 0))
    const square = Int16Array.from({ length: 480 }, (_, i) => (i % 47 < 23 ? 32767 : -32768))
    concealment.heard(square, 0, 480)
    assert.ok(!concealment.exhausted)
    concealment.fill(frame, 0, FRAME)
    // Wrapped samples would make one more edge than a square wave of that period has.
    const edges = frame.filter((s, i) => i > 0 && s > 0 !== (frame[i - 1] ?? 0) > 0).length
    assert.ok(edges <= 8 && rmsDbfs(frame) > -3, `${edges} edges`)
    concealment.forget()
    assert.ok(concealment.exhausted)
    concealment.fill(frame, 0, FRAME)
    assert.ok(frame.every((s) => s === 0))
    const first = sine(500, 20)
    const original = first.slice()
    concealment.heard(first, 0, FRAME)
    assert.deepEqual(first, original, 'the first sound is not faded in')
  })

  it('costs little', () => {
    const concealment = new Concealment()
    const sound = voice(1000)
    const frame = new Int16Array(FRAME)
    const rounds = 20_000
    const time = (step: (n: number) => void): number => {
      for (let n = 0; n < 2000; n++) step(n)
      const { user } = process.cpuUsage()
      for (let n = 0; n < rounds; n++) step(n)
      return (process.cpuUsage().user - user) / rounds
    }
    const heard = (n: number) => concealment.heard(sound, (n % 40) * FRAME, FRAME)
    const heardUs = time(heard)
    const lostUs = time((n) => {
      heard(n)
      concealment.fill(frame, 0, FRAME)
    })
    console.log(`      20 ms heard ${heardUs.toFixed(2)} µs, 20 ms lost ${(lostUs - heardUs).toFixed(2)} µs`)
    assert.ok(peak(frame) > 0)
  })
})
