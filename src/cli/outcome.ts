import type { TelephonyError } from '../base/errors.js'
import type { EngineEvents } from '../engine/protocol.js'
import { adviceFor, adviceForError } from './advice.js'

export type Ended = Extract<EngineEvents['call'], { type: 'call.ended' }>

/** Result of one call: the exit code and the text on stderr. */
export interface Outcome {
  ok: boolean
  /** Text for people if `ok` is false. */
  problem: string
  advice: string
}

/** There is no place to send to, so a firewall is not the reason. */
export const NO_ADDRESS = 'nothing was heard: no address was found for the host name in the SDP of the other side'

const WELL: Outcome = { ok: true, problem: '', advice: '' }

/** `failure`: the error of an action, such as --play. */
export function outcomeOf(ended: Ended, failure?: TelephonyError): Outcome {
  const { end, stats } = ended
  if (failure)
    return { ok: false, problem: `${failure.message} (${failure.code})`, advice: adviceForError(failure.code) }
  if (!isGoodEnd(ended)) {
    const status = statusOfPeer(ended)
    // 503 is the code for a request that could not be sent (RFC 3261 8.1.3.1).
    const unsent = end.by === 'error' && end.sipCode === 503
    const { cause, reason } = end
    const advice = adviceFor({ cause, status, reached: isReached(ended), unsent, reason })
    return { ok: false, problem: `call failed: ${whyFailed(ended)}`, advice }
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

export const isGoodEnd = ({ call, end }: Ended): boolean =>
  call.answeredAt !== null && (end.cause === 'normal' || end.cause === 'transferred')

/** The status that the peer sent. Other codes of an end come from this side: an own 503, or the 487 after CANCEL. */
const statusOfPeer = ({ call, end }: Ended): number | null =>
  end.by === 'remote' && call.direction === 'outbound' ? end.sipCode : null

/** Whether the peer showed that it is there. */
const isReached = ({ call, cdr, end }: Ended): boolean =>
  end.by === 'remote' || cdr.ringingAt !== null || call.answeredAt !== null

function whyFailed(ended: Ended): string {
  const { call, end } = ended
  if (end.cause === 'no-answer' && !isReached(ended)) return `no response, ${call.to.uri} did not even report ringing`
  if (end.cause === 'cancelled' && statusOfPeer(ended) === null)
    return end.by === 'remote' ? 'cancelled by the caller' : 'cancelled'
  const said = [statusOfPeer(ended), end.reason].filter(Boolean).join(' ')
  const parts = end.cause === 'failed' && said !== '' ? [said] : [end.cause, said]
  return parts.filter(Boolean).join(', ')
}
