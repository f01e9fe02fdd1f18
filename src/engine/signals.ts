/** Signal tones of exchanges by country (ITU-T E.180 Supplement 2, ETSI TR 101 041-2, ITU-T Q.35). */
import { TelephonyError } from '../base/errors.js'

export type SignalName = 'dial' | 'ringback' | 'busy' | 'congestion'
export type SignalCountry = 'eu' | 'us' | 'uk' | 'cn' | 'fr' | 'it'

interface Signal {
  hz: readonly number[]
  /** On, off, on, off …; absent: without a pause. */
  stepsMs?: readonly number[]
}

/** `eu` follows E.180; most of Europe, Asia and South America use it. */
export const SIGNALS = {
  eu: {
    dial: { hz: [425] },
    ringback: { hz: [425], stepsMs: [1000, 4000] },
    busy: { hz: [425], stepsMs: [500, 500] },
    congestion: { hz: [425], stepsMs: [250, 250] },
  },
  us: {
    dial: { hz: [350, 440] },
    ringback: { hz: [440, 480], stepsMs: [2000, 4000] },
    busy: { hz: [480, 620], stepsMs: [500, 500] },
    congestion: { hz: [480, 620], stepsMs: [250, 250] },
  },
  uk: {
    dial: { hz: [350, 440] },
    ringback: { hz: [400, 450], stepsMs: [400, 200, 400, 2000] },
    busy: { hz: [400], stepsMs: [375, 375] },
    congestion: { hz: [400], stepsMs: [400, 350, 225, 525] },
  },
  cn: {
    dial: { hz: [450] },
    ringback: { hz: [450], stepsMs: [1000, 4000] },
    busy: { hz: [450], stepsMs: [350, 350] },
    congestion: { hz: [450], stepsMs: [700, 700] },
  },
  fr: {
    dial: { hz: [440] },
    ringback: { hz: [440], stepsMs: [1500, 3500] },
    busy: { hz: [440], stepsMs: [500, 500] },
    congestion: { hz: [440], stepsMs: [250, 250] },
  },
  it: {
    dial: { hz: [425], stepsMs: [200, 200, 600, 1000] },
    ringback: { hz: [425], stepsMs: [1000, 4000] },
    busy: { hz: [425], stepsMs: [500, 500] },
    congestion: { hz: [425], stepsMs: [200, 200] },
  },
} as const satisfies Record<SignalCountry, Record<SignalName, Signal>>

const MAX_MS = 600_000

/** The tone of a signal: whole periods, at least `durationMs` long. Throws BAD_ARGUMENT for an unknown signal. */
export function signalTone(name: string, country: string, durationMs: number) {
  const signals = Object.hasOwn(SIGNALS, country) ? SIGNALS[country as SignalCountry] : undefined
  const signal: Signal | undefined = signals && Object.hasOwn(signals, name) ? signals[name as SignalName] : undefined
  if (!signal)
    throw new TelephonyError(
      'BAD_ARGUMENT',
      `the signal “${name}” of “${country}” does not exist. Use ${Object.keys(SIGNALS.eu).join(', ')} of ${Object.keys(SIGNALS).join(', ')}`,
    )
  if (!(durationMs >= 1 && durationMs <= MAX_MS)) {
    throw new TelephonyError('BAD_ARGUMENT', `the duration of ${durationMs} ms is not valid. Use 1 to ${MAX_MS} ms`)
  }
  const hz = [...signal.hz]
  if (!signal.stepsMs) return { hz, durationMs }
  const periodMs = signal.stepsMs.reduce((sum, ms) => sum + ms, 0)
  const periods = Math.max(1, Math.min(Math.ceil(durationMs / periodMs), Math.floor(MAX_MS / periodMs)))
  return { hz, durationMs: periods * periodMs, stepsMs: [...signal.stepsMs] }
}
