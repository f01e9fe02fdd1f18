import assert from 'node:assert/strict'
import { SIGNALS, signalTone } from '../../../src/engine/signals.js'
import { makeTone } from '../../../src/media/file/tone.js'
import { findGaps, measureTone } from '../../support/audio.js'

describe('telephone signals', () => {
  it('are whole periods, at least as long as asked for', () => {
    assert.deepEqual(signalTone('ringback', 'eu', 6000), { hz: [425], durationMs: 10_000, stepsMs: [1000, 4000] })
    assert.deepEqual(signalTone('busy', 'us', 1), { hz: [480, 620], durationMs: 1000, stepsMs: [500, 500] })
    assert.deepEqual(signalTone('dial', 'us', 1234), { hz: [350, 440], durationMs: 1234 })
    assert.equal(signalTone('ringback', 'uk', 600_000).durationMs, 600_000)
    assert.equal(signalTone('busy', 'cn', 600_000).durationMs, 599_900)
  })

  it('that do not exist are refused, prototypes too', () => {
    for (const [name, country] of [
      ['ringback', 'xx'],
      ['nothing', 'eu'],
      ['constructor', 'eu'],
      ['dial', '__proto__'],
    ] as const) {
      assert.throws(() => signalTone(name, country, 1000), { code: 'BAD_ARGUMENT' })
    }
    for (const durationMs of [0, -1, Number.NaN, 600_001]) {
      assert.throws(() => signalTone('dial', 'eu', durationMs), { code: 'BAD_ARGUMENT' })
    }
  })

  for (const country of Object.keys(SIGNALS)) {
    it(`of ${country} sound as the table says`, () => {
      for (const [name, signal] of Object.entries(SIGNALS[country as keyof typeof SIGNALS])) {
        const tone = signalTone(name, country, 100)
        const samples = makeTone({ kind: 'tone', levelDbfs: -12, ...tone, durationMs: tone.durationMs * 2 })
        for (const hz of signal.hz) {
          const { share } = measureTone(samples.subarray(0, 8 * Math.min(400, tone.stepsMs?.[0] ?? 400)), hz)
          assert.ok(Math.abs(share - 1 / signal.hz.length) < 0.05, `${name}: ${share} at ${hz} Hz`)
        }
        const steps: readonly number[] = tone.stepsMs ?? []
        const pauses = [...steps, ...steps].filter((_, index) => index % 2 === 1).slice(0, -1) // the last one is the end
        assert.deepEqual(
          findGaps(samples, { minMs: 50 }).map(({ durationMs }) => durationMs),
          pauses,
          name,
        )
      }
    })
  }
})
