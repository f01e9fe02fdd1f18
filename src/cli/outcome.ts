import type { TelephonyError } from '../base/errors.js'
import type { EngineEvents } from '../engine/protocol.js'
import { adviceFor, adviceForError } from './advice.js'
import { NO_ADDRESS } from './summary.js'

export type Ended = Extract<EngineEvents['call'], { type: 'call.ended' }>

/** Result of one call: the exit code and the text on stderr. */
export interface Outcome {
  ok: boolean
  /** Text for people if `ok` is false. */
  problem: string
  advice: string
}

const WELL: Outcome = { ok: true, problem: '', advice: '' }

/** `failure`: the error of an action, such as --play. */
export function outcomeOf({ call, cdr, end, stats }: Ended, failure?: TelephonyError): Outcome {
  if (failure)
    return { ok: false, problem: `${failure.message} (${failure.code})`, advice: adviceForError(failure.code) }
  if (call.answeredAt === null || end.cause !== 'normal') {
    const { cause, sipCode, reason } = end
    const why = [cause, [sipCode, reason].filter(Boolean).join(' ')].filter(Boolean).join(', ')
    return { ok: false, problem: `call failed: ${why}`, advice: adviceFor(end, cdr.ringingAt !== null) }
  }
  if (stats?.heard === 'undecodable') {
    return {
      ok: false,
      problem: `nothing was heard: ${stats.undecodedPackets} packets of the other side could not be decoded`,
      advice: 'The other side does not send the codec that was agreed; --trace shows what was agreed.',
    }
  }
  if (end.mediaTrouble === 'no-address') {
    return {
      ok: false,
      problem: NO_ADDRESS,
      advice: 'The other side must name an address, or a host name that DNS knows here; --trace shows its SDP.',
    }
  }
  return WELL
}
