import type { Timer } from '../base/clock.js'
import { TelephonyError } from '../base/errors.js'
import type { HeaderField, IncomingInvite, SipBody } from '../sip/types.js'
import type { CallEnd } from './call-event.js'
import { causeOfRejection } from './call-state.js'
import type { Leg, LegHost } from './leg.js'
import { checkOffer, type Negotiation, statusOfSdpError } from './negotiation.js'
import type { IncomingCallInit } from './types.js'

/** From the peer's INVITE to our final answer. */
export class IncomingLeg implements Leg {
  /** BEHAVIOUR: somebody here does not want the call. */
  readonly hangup = { cause: 'rejected', sipCode: 603 } as const
  readonly #host: LegHost
  readonly #invite: IncomingInvite
  #decideTimer: Timer | undefined
  #answering = false
  #isFinal = false
  #phrase = ''

  constructor(host: LegHost, invite: IncomingInvite) {
    this.#host = host
    this.#invite = invite
    invite.handlers.cancelled = (reason) => this.#cancelled(reason)
  }

  /** Undefined where the rule takes calls and the offer, if there is one, can be answered; otherwise how the call ends. */
  refusal(rule: IncomingCallInit['rule']): CallEnd | undefined {
    if (rule.mode === 'reject') {
      const { rejectStatus: sipCode } = rule
      return { by: 'local', cause: causeOfRejection(sipCode), sipCode, reason: 'rejected by rule' }
    }
    const offer = this.#invite.request.body
    try {
      if (offer) checkOffer(offer, this.#host.account.codecs)
      return undefined
    } catch (error) {
      const { message } = TelephonyError.from(error)
      return { by: 'error', cause: 'failed', sipCode: statusOfSdpError(error), reason: message }
    }
  }

  /** From now on somebody decides, or 480 (RFC 3261 21.4.18) says that nobody did. */
  awaitDecision(decideMs: number): void {
    this.#decideTimer = this.#host.clock.setTimeout(
      () => this.#host.finish({ by: 'local', cause: 'no-answer', sipCode: 480, reason: 'nobody took the call' }),
      decideMs,
    )
  }

  ring(): void {
    this.#invite.progress(180)
    this.#host.ringing(180)
  }

  /** `phrase`: what stands in the status line; '' for the usual words. */
  reject(status: number, phrase: string): void {
    if (!Number.isInteger(status) || status < 400 || status > 699) {
      throw new TelephonyError('BAD_ARGUMENT', 'a call is rejected with a status of 400 to 699')
    }
    if (!/^[^\p{Cc}\p{Zl}\p{Zp}]{0,128}$/u.test(phrase)) {
      throw new TelephonyError('BAD_ARGUMENT', 'the reason of a rejection is one short line')
    }
    this.#phrase = phrase
    const reason = phrase || 'rejected'
    this.#host.finish({ by: 'local', cause: causeOfRejection(status), sipCode: status, reason })
  }

  async answer(headers: readonly HeaderField[]): Promise<void> {
    if (this.#answering) throw new TelephonyError('WRONG_STATE', 'the call is being answered already')
    this.#answering = true
    try {
      await this.#answer(headers)
    } finally {
      this.#answering = false
    }
  }

  async leave(end: CallEnd): Promise<number | null> {
    this.#decideTimer?.cancel()
    if (this.#isFinal) return null
    this.#isFinal = true
    const status = end.sipCode ?? 500
    this.#invite.reject(status, this.#phrase === '' ? {} : { reason: this.#phrase })
    return status
  }

  async #answer(headers: readonly HeaderField[]): Promise<void> {
    const { negotiation, body } = await this.#prepare()
    if (this.#host.ending) throw new TelephonyError('CALL_ENDED', 'the call ended while it was being answered')
    // Throws BAD_HEADER: then the call still waits for a decision.
    const dialog = this.#invite.accept({ headers, body })
    this.#isFinal = true
    this.#decideTimer?.cancel()
    this.#host.answered(dialog, negotiation.settled)
  }

  /** Opens media and makes the answer, or our offer: an INVITE without one gets ours in the 2xx (RFC 3261 13.2.1). */
  async #prepare(): Promise<{ negotiation: Negotiation; body: SipBody }> {
    const offer = this.#invite.request.body
    try {
      const negotiation = await this.#host.negotiation()
      if (!offer) return { negotiation, body: negotiation.offer() }
      const { body, settled } = negotiation.answer(offer)
      await negotiation.connect(settled, 'answered')
      return { negotiation, body }
    } catch (thrown) {
      const error = TelephonyError.from(thrown)
      this.#host.finish({ by: 'error', cause: 'failed', sipCode: 503, reason: error.message })
      throw error
    }
  }

  #cancelled(reason: string | undefined): void {
    this.#isFinal = true
    this.#host.finish({ by: 'remote', cause: 'cancelled', sipCode: 487, reason: reason?.slice(0, 128) ?? 'cancelled' })
  }
}
