import type { PlainError } from '../base/errors.js'
import type { CallEnd } from './call-event.js'

export interface GroupAttempt {
  target: string
  /** Null if no call was placed. */
  callId: string | null
  outcome: 'not-dialled' | 'calling' | 'answered' | 'not-confirmed' | 'elsewhere' | 'failed'
  /** Null while the call goes on, and if none was placed. */
  end: CallEnd | null
  /** Why no call was placed. */
  error?: PlainError
}

/** RFC 3261 16.7 6: answers that tell the caller what to change come first within their class. */
const TELLING = new Set([401, 407, 415, 420, 484])

const NOT_CONFIRMED: CallEnd = {
  by: 'local',
  cause: 'no-answer',
  sipCode: null,
  reason: 'answered, but not confirmed',
}

/** The end that describes a group without an answer best; undefined if no call was placed. */
export function bestEnd(attempts: readonly GroupAttempt[]): CallEnd | undefined {
  const ends = attempts.flatMap(({ outcome, end }) => {
    if (outcome === 'not-confirmed') return NOT_CONFIRMED
    return end ?? []
  })
  return ends.toSorted((a, b) => rankOf(a) - rankOf(b))[0]
}

/** RFC 3261 16.7 6: a 6xx before all others, otherwise the lowest class. Busy says more than no answer. */
function rankOf({ cause, sipCode }: CallEnd): number {
  const status = cause === 'no-answer' ? 480 : (sipCode ?? 500)
  if (status >= 600) return 0
  const within = TELLING.has(status) ? 0 : cause === 'busy' ? 1 : 2
  return Math.floor(status / 100) * 10 + within
}
