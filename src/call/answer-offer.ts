import type { Logger } from '../base/logger.js'
import type { Settled } from '../sdp/offer-answer.js'
import type { IncomingRequest, SipBody } from '../sip/types.js'
import { type Negotiation, statusOfSdpError, warningsOf } from './negotiation.js'

/** Answers an offer of the peer in re-INVITE, UPDATE or PRACK. Undefined: it was refused, and the agreement does not change (RFC 3261 14.2: 488). */
export function answerOffer(
  { log, negotiation }: { log: Logger; negotiation: Negotiation },
  offer: IncomingRequest,
  body: SipBody,
): Settled | undefined {
  let answer: ReturnType<Negotiation['answer']>
  try {
    answer = negotiation.answer(body)
  } catch (error) {
    log.info({ err: error, method: offer.request.method }, 'an offer of the peer was refused')
    offer.reject(statusOfSdpError(error), { headers: warningsOf(error) })
    return undefined
  }
  offer.accept({ body: answer.body })
  return answer.settled
}
