import assert from 'node:assert/strict'
import { Resampler } from '../../../../src/media/file/resampler.js'
import { measureTone, rmsDbfs, sine } from '../../../support/audio.js'

/** Resamples to 8 kHz in blocks of uneven length, as files are read. */
function to8k(samples: Int16Array, rate: number, block = 1000): Int16Array {
  const resampler = new Resampler(rate, 8000)
  const out: number[] = []
  for (let at = 0; at < samples.length; at += block) {
    out.push(...resampler.process(Float32Array.from(samples.subarray(at, at + block), (v) => v / 32768)))
  }
  out.push(...resampler.flush())
  return Int16Array.from(out, (v) => Math.round(v * 32768))
}

/** Without both ends, where the filter runs into silence. */
const middle = (samples: Int16Array) => samples.subarray(400, samples.length - 400)

describe('resampler', () => {
  for (const rate of [4000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000]) {
    it(`keeps a tone of ${rate} Hz sound at its frequency, level and length`, () => {
      const out = to8k(sine(1000, 1000, { sampleRate: rate, rmsDbfs: -10 }), rate)
      const tone = measureTone(middle(out), 1000)
      assert.ok(tone.share > 0.9999, `share ${tone.share}`)
      assert.ok(Math.abs(rmsDbfs(middle(out)) + 10) < 0.05, `level ${rmsDbfs(middle(out))}`)
      assert.ok(Math.abs(out.length - 8000) <= 2, `${out.length} samples`)
    })
  }

  it('lets nothing through that would come back as another tone', () => {
    for (const [rate, hz] of [
      [16_000, 5000],
      [44_100, 7000],
      [48_000, 4400],
    ] as const) {
      const out = middle(to8k(sine(hz, 1000, { sampleRate: rate, rmsDbfs: -6 }), rate))
      assert.ok(rmsDbfs(out) < -75, `${hz} Hz at ${rate}: ${rmsDbfs(out)} dBFS`)
    }
  })

  it('keeps the telephone band flat', () => {
    for (const hz of [100, 300, 2000, 3400]) {
      const out = middle(to8k(sine(hz, 1000, { sampleRate: 48_000, rmsDbfs: -10 }), 48_000))
      assert.ok(Math.abs(rmsDbfs(out) + 10) < 0.25, `${hz} Hz: ${rmsDbfs(out)}`)
    }
  })

  it('gives the same in one block and in many, and starts without delay', () => {
    const input = sine(800, 200, { sampleRate: 44_100 })
    assert.deepEqual(to8k(input, 44_100, 100_000), to8k(input, 44_100, 17))
    const step = new Int16Array(4800)
    step.fill(10_000, 2400)
    const out = to8k(step, 48_000)
    const half = out.findIndex((v) => v >= 5000)
    assert.ok(Math.abs(half - 400) <= 1, `the step lies at ${half}`)
  })
})
