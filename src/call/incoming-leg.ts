import type { Timer } from '../base/clock.js'
import { deferred } from '../base/deferred.js'
import { TelephonyError } from '../base/errors.js'
import type { ReadOffer, Settled } from '../sdp/offer-answer.js'
import type { HeaderField, IncomingInvite, IncomingRequest, SipBody } from '../sip/types.js'
import { answerOffer } from './answer-offer.js'
import type { CallEnd } from './call-event.js'
import { causeOfRejection } from './call-state.js'
import type { Farewell, Leg, LegHost } from './leg.js'
import { type Negotiation, readOffer, statusOfSdpError, warningsOf } from './negotiation.js'
import { isCompletedElsewhere, readReasons, reasonText } from './reason.js'
import type { IncomingCallInit } from './types.js'

/** RFC 3261 13.3.1.1: a provisional response every minute, or a proxy cancels the INVITE (16.8). */
const PROGRESS_AGAIN_MS = 60_000
/** Limits unbilled calls: exchanges end early media after three minutes too (Timer C). */
const EARLY_LIMIT_MS = 180_000

/** Contacts of a 302: callers do not try more, and the response must fit into a datagram. */
const MAX_CONTACTS = 10

/** Our answer, for the 183 and the 200 (RFC 3264 4, RFC 6337 2.2: the same answer in both). */
interface Prepared {
  negotiation: Negotiation
  body: SipBody
  /** Undefined if the body is our offer because the INVITE had no offer. */
  settled: Settled | undefined
}

/** The call from the peer's INVITE to our final response. */
export class IncomingLeg implements Leg {
  /** A hangup before the answer declines the call. */
  readonly hangup = { cause: 'rejected', sipCode: 603 } as const
  /** Not a 6xx: it would end the call at every other ringing telephone too (RFC 3261 16.7 5). */
  readonly abandoned = { cause: 'no-answer', sipCode: 480 } as const
  readonly #host: LegHost
  readonly #invite: IncomingInvite
  #offer: ReadOffer | undefined
  #decideTimer: Timer | undefined
  #progressTimer: Timer | undefined
  #prepared: Promise<Prepared> | undefined
  #opened: Prepared | undefined
  /** Set with the 183. Later provisional responses carry it too, so that the caller does not end the early media. */
  #earlyBody: SipBody | undefined
  /** Resolves when the PRACK has answered our offer in the 183, or when the call ends. */
  readonly #offered = deferred<void>()
  #answering = false
  #isFinal = false
  #phrase = ''
  /** Headers of a refusal: Warning or Contact. */
  #headers: readonly HeaderField[] = []

  constructor(host: LegHost, invite: IncomingInvite) {
    this.#host = host
    this.#invite = invite
    invite.handlers = {
      cancelled: (reasons) => this.#cancelled(reasons),
      answered: (body) => this.#acknowledged(body),
      request: (offer) => this.#answerOffer(offer),
      unacknowledged: () => this.#unacknowledged(),
    }
  }

  /** How the call ends; undefined if the rule takes calls and the offer, if there is one, can be answered. */
  refusal(rule: IncomingCallInit['rule']): CallEnd | undefined {
    if (rule.mode === 'reject') {
      const { rejectStatus: sipCode } = rule
      return { by: 'local', cause: causeOfRejection(sipCode), sipCode, reason: 'rejected by the rule of the account' }
    }
    const offer = this.#invite.request.body
    try {
      const { codecs, rtp } = this.#host.account
      if (offer) this.#offer = readOffer(offer, { codecs, advertise: rtp.advertise })
      return undefined
    } catch (error) {
      const { message } = TelephonyError.from(error)
      this.#headers = warningsOf(error)
      return { by: 'error', cause: 'failed', sipCode: statusOfSdpError(error), reason: message }
    }
  }

  /** Starts the time for a decision. Without a decision the call is refused with 480 (RFC 3261 21.4.18). */
  awaitDecision(decideMs: number): void {
    this.#decideTimer?.cancel()
    this.#decideTimer = this.#host.clock.setTimeout(
      () =>
        this.#host.finish({ by: 'local', cause: 'no-answer', sipCode: 480, reason: 'no node took the call in time' }),
      decideMs,
    )
  }

  /** Answers automatically, at once or after it has rung. A CANCEL ends the ringing call as usual. */
  answerAfter(ringMs: number): void {
    const answer = () => {
      this.answer([]).catch((err: unknown) => this.#host.log.warn({ err }, 'the call could not be answered'))
    }
    if (ringMs > 0) {
      this.#decideTimer = this.#host.clock.setTimeout(answer, ringMs)
      this.ring()
    } else {
      answer()
    }
  }

  ring(): void {
    this.#progress(180, [])
    this.#host.ringing(180)
  }

  /** 183 with our answer: the caller hears us and we hear it, before billing begins (RFC 3960 3.1). */
  async early(headers: readonly HeaderField[]): Promise<void> {
    if (!this.#invite.request.body && !this.#invite.isReliable) {
      // RFC 3262 5: our offer needs a reliable 183.
      throw new TelephonyError(
        'WRONG_STATE',
        'early media is not possible: the INVITE of the caller has no offer, and the caller does not support 100rel. Answer the call instead',
      )
    }
    const { body, settled } = await this.#prepare()
    this.#assertUndecided('early media')
    const first = !this.#earlyBody
    this.#earlyBody = body
    try {
      this.#progress(183, headers)
    } catch (error) {
      if (first) this.#earlyBody = undefined
      throw error
    }
    if (first) this.awaitDecision(EARLY_LIMIT_MS)
    if (settled) this.#host.early(settled, 183)
    else await this.#offered.promise
  }

  /** `phrase`: reason phrase of the status line; '' for the usual one. */
  reject(status: number, phrase: string, headers: readonly HeaderField[] = []): void {
    if (!Number.isInteger(status) || status < 400 || status > 699) {
      throw new TelephonyError('BAD_ARGUMENT', `${status} cannot refuse a call. Use a SIP status from 400 to 699`)
    }
    this.#phrase = checkPhrase(phrase)
    const reason = phrase || 'rejected'
    this.#host.finish({ by: 'local', cause: causeOfRejection(status), sipCode: status, reason }, { headers })
  }

  async answer(headers: readonly HeaderField[]): Promise<void> {
    if (this.#answering) throw new TelephonyError('WRONG_STATE', 'the call is already being answered')
    this.#answering = true
    try {
      await this.#answer(headers)
    } finally {
      this.#answering = false
    }
  }

  /** RFC 3261 21.3.3: sends 302; the caller then tries these addresses in their order. */
  redirect(contacts: readonly string[], phrase: string): void {
    if (contacts.length === 0 || contacts.length > MAX_CONTACTS) {
      throw new TelephonyError(
        'BAD_TARGET',
        `a redirection to ${contacts.length} addresses is not possible. Use 1 to ${MAX_CONTACTS}`,
      )
    }
    this.#phrase = checkPhrase(phrase)
    // RFC 3261 20.10: the brackets keep the URI's parameters apart; the order makes a q parameter unnecessary.
    this.#headers = [['Contact', contacts.map((uri) => `<${uri}>`).join(', ')]]
    this.#host.finish({ by: 'local', cause: 'rejected', sipCode: 302, reason: phrase || 'redirected' })
  }

  async leave(end: CallEnd, farewell?: Farewell): Promise<number | null> {
    this.#stopTimers()
    this.#offered.resolve()
    if (this.#isFinal) return null
    this.#isFinal = true
    const status = end.sipCode ?? 500
    const reason = this.#phrase === '' ? {} : { reason: this.#phrase }
    const all = farewell ? [...this.#headers, ...farewell.headers] : this.#headers
    const headers = all.length === 0 ? {} : { headers: all }
    this.#invite.reject(status, { ...reason, ...headers })
    return status
  }

  async #answer(headers: readonly HeaderField[]): Promise<void> {
    const { negotiation, body } = await this.#prepare()
    this.#assertUndecided('the answer')
    // Throws BAD_HEADER: then the call still waits for a decision.
    const dialog = this.#invite.accept({ headers, body })
    this.#isFinal = true
    this.#stopTimers()
    // If the 2xx carries our offer, the ACK carries the answer.
    this.#host.answered(dialog, negotiation.awaitsAnswer ? undefined : negotiation.settled)
  }

  #progress(status: number, headers: readonly HeaderField[]): void {
    const body = this.#earlyBody ? { body: this.#earlyBody } : {}
    this.#invite.progress(status, { headers, ...body })
    this.#progressTimer?.cancel()
    this.#progressTimer = this.#host.clock.setTimeout(() => this.#progress(status, []), PROGRESS_AGAIN_MS)
  }

  #assertUndecided(what: string): void {
    if (this.#host.ending) throw new TelephonyError('CALL_ENDED', `the call ended before ${what} could be sent`)
    if (this.#isFinal) throw new TelephonyError('WRONG_STATE', `the call was answered before ${what} could be sent`)
  }

  #stopTimers(): void {
    this.#decideTimer?.cancel()
    this.#progressTimer?.cancel()
  }

  /** Makes media and answer once: the 200 repeats the answer of the 183. */
  #prepare(): Promise<Prepared> {
    this.#prepared ??= this.#open()
    return this.#prepared
  }

  /**
   * Opens media and makes the answer, or our offer: an INVITE without an offer gets ours in the 2xx (RFC 3261 13.2.1). Media is
   * connected when the answer is sent (`early`, `answered`), so the answer waits for one round trip to the media worker, not two.
   */
  async #open(): Promise<Prepared> {
    const offer = this.#offer
    try {
      const negotiation = await this.#host.negotiation()
      const prepared = offer
        ? { negotiation, ...negotiation.answer(offer) }
        : { negotiation, body: negotiation.offer(), settled: undefined }
      this.#opened = prepared
      return prepared
    } catch (thrown) {
      const error = TelephonyError.from(thrown)
      this.#host.finish({ by: 'error', cause: 'failed', sipCode: 503, reason: error.message })
      throw error
    }
  }

  /** The answer to our offer in the 183 (RFC 3262 5); the 2xx may have been decided meanwhile. */
  #acknowledged(body: SipBody | undefined): void {
    const { negotiation } = this.#opened ?? {}
    if (this.#host.ending || !negotiation) return
    try {
      if (!body) throw new TelephonyError('BAD_SDP', 'the PRACK of the peer has no answer to our offer')
      const settled = negotiation.accept(body)
      if (this.#isFinal) this.#host.settled(settled)
      else this.#host.early(settled, 183)
    } catch (error) {
      const sipCode = this.#isFinal ? null : statusOfSdpError(error)
      this.#host.finish({ by: 'error', cause: 'failed', sipCode, reason: TelephonyError.from(error).message })
    }
    this.#offered.resolve()
  }

  /** UPDATE or PRACK in the early dialog. */
  #answerOffer(offer: IncomingRequest): void {
    const { body } = offer.request
    const { negotiation } = this.#opened ?? {}
    if (this.#host.ending || !negotiation || !body) {
      offer.reject(488)
      return
    }
    const settled = answerOffer({ log: this.#host.log, negotiation }, offer, body)
    if (settled) this.#host.early(settled, 183)
  }

  #unacknowledged(): void {
    this.#isFinal = true
    const reason = 'the caller acknowledged no provisional response'
    this.#host.finish({ by: 'error', cause: 'failed', sipCode: 504, reason })
  }

  #cancelled(reasons: readonly string[]): void {
    this.#isFinal = true
    const cause = isCompletedElsewhere(reasons) ? 'completed-elsewhere' : 'cancelled'
    const end: CallEnd = { by: 'remote', cause, sipCode: 487, reason: reasonText(reasons) ?? 'cancelled' }
    const read = readReasons(reasons)
    if (read) end.reasons = read
    this.#host.finish(end)
  }
}

/** The phrase is part of the status line, so it must not begin another line (RFC 3261 25.1 Reason-Phrase). */
function checkPhrase(phrase: string): string {
  if (/[\p{Cc}\p{Zl}\p{Zp}]/u.test(phrase)) {
    throw new TelephonyError(
      'BAD_HEADER',
      'the reason contains a line break or a control character. Use one line of text',
    )
  }
  if (phrase.length > 128)
    throw new TelephonyError('BAD_ARGUMENT', `the reason is too long: ${phrase.length} characters. Use at most 128`)
  return phrase
}
