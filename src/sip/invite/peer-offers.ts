import type { Clock } from '../../base/clock.js'
import type { ServerRequest } from '../server-request.js'
import { InviteServer } from '../transaction/invite-server.js'
import type { RequestHandler } from '../types.js'
import type { AccountContext } from '../user-agent/account-context.js'
import { AnswerableRequest } from '../user-agent/answerable-request.js'
import { SuccessResponse } from './success-response.js'

interface AnsweredInvite {
  cseq: number
  transaction: InviteServer
  /** Our 2xx. */
  text: string
  /** Until the ACK has come, other offers of the peer are refused. */
  refusesOffers: boolean
}

interface OfferDecision {
  handler: RequestHandler | undefined
  accepted: () => void
  /** Header lines of our 2xx. */
  lines: readonly string[]
}

/** The peer's offers in one dialog, in INVITE and UPDATE: our answers to them, and our 2xx until their ACK (RFC 3261 13.3.1.4, 14.2). */
export class PeerOffers {
  /** The re-INVITE or UPDATE that waits for our answer. */
  #open: AnswerableRequest | undefined
  /** Our 2xx without an ACK, by CSeq. */
  readonly #answers = new Map<number, SuccessResponse>()
  readonly #missed: () => void

  /** `missed`: no ACK came to our 2xx. */
  constructor(missed: () => void) {
    this.#missed = missed
  }

  /** An offer waits for our answer. */
  get isOpen(): boolean {
    return this.#open?.isOpen === true
  }

  /** Our 2xx has no ACK yet: the peer's INVITE is still in progress. */
  get awaitsAck(): boolean {
    return this.#answers.size > 0
  }

  /** RFC 3261 14.2, RFC 6337 4.3: another offer of the peer comes too early. */
  get refusesOthers(): boolean {
    return this.isOpen || [...this.#answers.values()].some(({ refusesOffers }) => refusesOffers)
  }

  /** Lets the handler decide; `accepted`: our answer is a 2xx, which has been sent. */
  decide(context: AccountContext, request: ServerRequest, { handler, accepted, lines }: OfferDecision): void {
    const { transaction, message } = request
    const invite = transaction instanceof InviteServer ? transaction : undefined
    const answered = (status: number, text: string): void => {
      this.#open = undefined
      if (status >= 300) return
      accepted()
      if (invite) this.answered(context.clock, { cseq: message.cseq, transaction: invite, text, refusesOffers: true })
    }
    const offer = new AnswerableRequest(context, request, { answered, lines })
    this.#open = offer
    offer.decideBy(handler)
    if (offer.isOpen && invite) request.trying() // 17.2.1: the answer may take its time
  }

  /** Our 2xx to an INVITE has been sent. */
  answered(clock: Clock, { cseq, transaction, text, refusesOffers }: AnsweredInvite): void {
    const missed = (): void => {
      this.#answers.delete(cseq)
      this.#missed()
    }
    this.#answers.set(cseq, new SuccessResponse(clock, { transaction, text, refusesOffers, missed }))
  }

  /** False: the ACK is of no 2xx that waits for one. */
  acknowledge(cseq: number): boolean {
    this.#answers.get(cseq)?.stop()
    return this.#answers.delete(cseq)
  }

  /** The peer has cancelled its offer, or the call ends: 487 (9.2, 15.1.2). */
  cancel(): void {
    this.#open?.reject(487)
  }

  /** The dialog goes on at another address: the ACKs would come to where it was. The peer may make its offer again (14.2). */
  leave(): void {
    this.#open?.reject(500, { headers: [['Retry-After', '1']] })
    this.stop()
  }

  /** No ACK is awaited any more. */
  stop(): void {
    for (const answer of this.#answers.values()) answer.stop()
    this.#answers.clear()
  }
}
