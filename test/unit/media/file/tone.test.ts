import assert from 'node:assert/strict'
import { TelephonyError } from '../../../../src/base/errors.js'
import { makeTone } from '../../../../src/media/file/tone.js'
import { findGaps, measureTone } from '../../../support/audio.js'

const tone: Parameters<typeof makeTone>[0] = { kind: 'tone', hz: [1000], durationMs: 1000, levelDbfs: -13 }

describe('tones', () => {
  it('have the frequency, level and length asked for', () => {
    const samples = makeTone({ ...tone, hz: [425], levelDbfs: -20 })
    const measured = measureTone(samples, 425)
    assert.equal(samples.length, 8000)
    assert.ok(measured.share > 0.99)
    assert.ok(Math.abs(measured.rmsDbfs + 20) < 0.2)
  })

  it('two frequencies share the level', () => {
    const samples = makeTone({ ...tone, hz: [350, 440] })
    assert.ok(Math.abs(measureTone(samples, 350).share - 0.5) < 0.02)
    assert.ok(Math.abs(measureTone(samples, 440).rmsDbfs + 13) < 0.3)
  })

  it('go on and off with the cadence, without clicks', () => {
    const samples = makeTone({ ...tone, durationMs: 3000, cadence: { onMs: 500, offMs: 250 } })
    assert.deepEqual(
      findGaps(samples, { minMs: 100 }).map(({ atMs, durationMs }) => [atMs, durationMs]),
      [
        [500, 250],
        [1250, 250],
        [2000, 250],
      ],
    )
    const steps = Array.from(samples, (v, i) => Math.abs(v - (samples[i - 1] ?? 0)))
    const amplitude = 32768 * 10 ** (-13 / 20) * Math.SQRT2
    assert.ok(Math.max(...steps) <= amplitude * 2 * Math.sin(Math.PI / 8) + 2)
  })

  it('go on and off in several steps: the double ring of Britain', () => {
    const samples = makeTone({ ...tone, hz: [400, 450], durationMs: 6000, stepsMs: [400, 200, 400, 2000] })
    assert.deepEqual(
      findGaps(samples, { minMs: 100 }).map(({ atMs, durationMs }) => [atMs, durationMs]),
      [
        [400, 200],
        [1000, 2000],
        [3400, 200], // the last pause is the end
      ],
    )
  })

  it('refuse steps that are none', () => {
    for (const stepsMs of [[], [100], [100, 100, 100], [100, 0], [0.5, 100], Array(18).fill(100)]) {
      assert.throws(() => makeTone({ ...tone, stepsMs }), { code: 'BAD_ARGUMENT' }, JSON.stringify(stepsMs))
    }
  })

  it('never exceed full scale', () => {
    const samples = makeTone({ ...tone, hz: [440, 1000, 2000], levelDbfs: 0 })
    assert.ok(samples.every((v) => v >= -32768 && v <= 32767))
  })

  it('are refused where they make no sense', () => {
    const refused = [
      { hz: [] },
      { hz: [4000] },
      { hz: [0] },
      { hz: [Number.NaN] },
      { durationMs: 0 },
      { durationMs: 1e9 },
      { durationMs: Number.NaN },
      { levelDbfs: 3 },
      { cadence: { onMs: 0, offMs: 100 } },
    ]
    for (const change of refused) {
      assert.throws(
        () => makeTone({ ...tone, ...change }),
        (error) => error instanceof TelephonyError && error.code === 'BAD_ARGUMENT',
        JSON.stringify(change),
      )
    }
  })
})
