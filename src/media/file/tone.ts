import { TelephonyError } from '../../base/errors.js'
import type { PromptSource } from '../protocol.js'

const SAMPLE_RATE = 8000
const MAX_TONES = 8
const MAX_DURATION_MS = 600_000
/** Faded in and out, so that switching makes no click. */
const RAMP_SAMPLES = 32

/** Sines added up, together at `levelDbfs` RMS (0 is a full-scale square wave), on and off as the cadence says. */
export function makeTone(tone: Extract<PromptSource, { kind: 'tone' }>): Int16Array {
  checkTone(tone)
  const samples = new Int16Array(toSamples(tone.durationMs))
  const amplitude = 32768 * 10 ** (tone.levelDbfs / 20) * Math.sqrt(2 / tone.hz.length)
  const on = tone.cadence ? toSamples(tone.cadence.onMs) : samples.length
  const period = tone.cadence ? on + toSamples(tone.cadence.offMs) : samples.length
  for (let i = 0; i < samples.length; i++) {
    const at = i % period
    if (at >= on) continue
    const end = Math.min(on, samples.length - (i - at))
    const gain = Math.min(1, (at + 1) / RAMP_SAMPLES, (end - at) / RAMP_SAMPLES)
    let sum = 0
    for (const hz of tone.hz) sum += Math.sin((2 * Math.PI * hz * i) / SAMPLE_RATE)
    samples[i] = Math.max(-32768, Math.min(32767, Math.round(gain * amplitude * sum)))
  }
  return samples
}

function checkTone({ hz, durationMs, levelDbfs, cadence }: Extract<PromptSource, { kind: 'tone' }>): void {
  const refuse = (message: string): never => {
    throw new TelephonyError('BAD_ARGUMENT', `tone: ${message}`)
  }
  if (hz.length < 1 || hz.length > MAX_TONES) refuse(`1 to ${MAX_TONES} frequencies`)
  if (!hz.every((f) => f > 0 && f < SAMPLE_RATE / 2)) refuse('frequencies lie between 0 and 4000 Hz')
  if (!(durationMs >= 1 && durationMs <= MAX_DURATION_MS)) refuse(`lasts 1 to ${MAX_DURATION_MS} ms`)
  if (!(levelDbfs >= -90 && levelDbfs <= 0)) refuse('level lies between -90 and 0 dBFS')
  if (cadence && !(cadence.onMs >= 1 && cadence.offMs >= 0)) refuse('a cadence is at least 1 ms on')
}

const toSamples = (ms: number): number => Math.round((ms * SAMPLE_RATE) / 1000)
