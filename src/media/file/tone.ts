import { TelephonyError } from '../../base/errors.js'
import type { PromptSource } from '../protocol.js'

type Tone = Extract<PromptSource, { kind: 'tone' }>

const SAMPLE_RATE = 8000
const MAX_TONES = 8
const MAX_DURATION_MS = 600_000
const MAX_STEPS = 16
/** Length of the fades in and out, which prevent clicks. */
const RAMP_SAMPLES = 32

/** The sum of sines with an RMS of `levelDbfs` (0 is a full-scale square wave), on and off by the cadence. */
export function makeTone(tone: Tone): Int16Array {
  checkTone(tone)
  const samples = new Int16Array(toSamples(tone.durationMs))
  const amplitude = 32768 * 10 ** (tone.levelDbfs / 20) * Math.sqrt(2 / tone.hz.length)
  for (const [from, to] of bursts(samples.length, stepsOf(tone))) {
    for (let i = from; i < to; i++) {
      const gain = Math.min(1, (i - from + 1) / RAMP_SAMPLES, (to - i) / RAMP_SAMPLES)
      let sum = 0
      for (const hz of tone.hz) sum += Math.sin((2 * Math.PI * hz * i) / SAMPLE_RATE)
      samples[i] = Math.max(-32768, Math.min(32767, Math.round(gain * amplitude * sum)))
    }
  }
  return samples
}

const stepsOf = ({ cadence, stepsMs }: Tone): readonly number[] | undefined =>
  stepsMs ?? (cadence && [cadence.onMs, cadence.offMs])

/** The ranges with sound; the steps repeat to the end. */
function* bursts(length: number, stepsMs: readonly number[] | undefined): Generator<[from: number, to: number]> {
  if (!stepsMs) return yield [0, length]
  for (let at = 0; at < length; ) {
    for (const [i, ms] of stepsMs.entries()) {
      const next = at + toSamples(ms)
      if (i % 2 === 0 && at < length) yield [at, Math.min(next, length)]
      at = next
    }
  }
}

function checkTone({ hz, durationMs, levelDbfs, cadence, stepsMs }: Tone): void {
  const refuse = (message: string): never => {
    throw new TelephonyError('BAD_ARGUMENT', `the tone is not valid: ${message}`)
  }
  if (hz.length < 1 || hz.length > MAX_TONES) refuse(`it has ${hz.length} frequencies. Use 1 to ${MAX_TONES}`)
  if (!hz.every((f) => f > 0 && f < SAMPLE_RATE / 2))
    refuse(`a frequency of ${hz.join(', ')} Hz is out of range. Use values between 0 and 4000 Hz`)
  if (!(durationMs >= 1 && durationMs <= MAX_DURATION_MS))
    refuse(`it lasts ${durationMs} ms. Use 1 to ${MAX_DURATION_MS} ms`)
  if (!(levelDbfs >= -90 && levelDbfs <= 0)) refuse(`its level is ${levelDbfs} dBFS. Use -90 to 0 dBFS`)
  if (cadence && !(cadence.onMs >= 1 && cadence.offMs >= 0)) refuse('its cadence has no sound. Use at least 1 ms on')
  if (!stepsMs) return
  const even = stepsMs.length >= 2 && stepsMs.length <= MAX_STEPS && stepsMs.length % 2 === 0
  if (!even || !stepsMs.every((ms) => ms >= 1 && ms <= MAX_DURATION_MS))
    refuse('its steps are not valid. Use pairs of on and off, each of at least 1 ms')
}

const toSamples = (ms: number): number => Math.round((ms * SAMPLE_RATE) / 1000)
