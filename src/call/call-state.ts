import { TelephonyError } from '../base/errors.js'
import type { CallEnd, CallState } from './call-event.js'

/**
 * The allowed transitions. A 180 after a 183 is reported but does not leave `early`: the early media continues.
 * Inbound calls go from `trying` to `ringing` with the 180 that we send.
 */
export const NEXT = {
  trying: ['ringing', 'early', 'answered', 'ended'],
  ringing: ['early', 'answered', 'ended'],
  early: ['answered', 'ended'],
  answered: ['held', 'ended'],
  held: ['answered', 'ended'],
  ended: [],
} as const satisfies Record<CallState, readonly CallState[]>

/** Returns the next state, or throws WRONG_STATE. */
export function nextState(from: CallState, to: CallState): CallState {
  const allowed: readonly CallState[] = NEXT[from]
  if (!allowed.includes(to)) throw new TelephonyError('WRONG_STATE', `a call that is ${from} cannot become ${to}`)
  return to
}

/** Cause of the end by the peer's final status. Other statuses mean `failed`. */
const CAUSE_OF_STATUS = new Map<number, CallEnd['cause']>([
  [486, 'busy'],
  [600, 'busy'],
  [408, 'no-answer'],
  [480, 'no-answer'],
  [487, 'cancelled'],
  [403, 'rejected'],
  [433, 'rejected'], // anonymous calls refused (RFC 5079)
  [603, 'rejected'],
  [607, 'rejected'], // unwanted (RFC 8197)
  [608, 'rejected'], // by an analytics engine (RFC 8688)
])

export const causeOfStatus = (status: number): CallEnd['cause'] => CAUSE_OF_STATUS.get(status) ?? 'failed'

/** Cause of the end by the status that we send: every status is a rejection, except two that mean that the call was not taken. */
export function causeOfRejection(status: number): CallEnd['cause'] {
  if (status === 486 || status === 600) return 'busy'
  return status === 480 || status === 408 ? 'no-answer' : 'rejected'
}
