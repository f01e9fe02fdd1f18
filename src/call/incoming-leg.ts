import type { Timer } from '../base/clock.js'
import { TelephonyError } from '../base/errors.js'
import type { ReadOffer, Settled } from '../sdp/offer-answer.js'
import type { HeaderField, IncomingInvite, SipBody } from '../sip/types.js'
import type { CallEnd } from './call-event.js'
import { causeOfRejection } from './call-state.js'
import type { Leg, LegHost } from './leg.js'
import { type Negotiation, readOffer, statusOfSdpError, warningsOf } from './negotiation.js'
import { isCompletedElsewhere, reasonText } from './reason.js'
import type { IncomingCallInit } from './types.js'

/** RFC 3261 13.3.1.1: a provisional answer again every minute, or a proxy on the way gives the INVITE up (16.8). */
const PROGRESS_AGAIN_MS = 60_000
/** Early media is no free telephone call: exchanges end it after three minutes as well (their Timer C). */
const EARLY_LIMIT_MS = 180_000

/** Of a 302: nobody tries more, and it has to fit into a datagram. */
const MAX_CONTACTS = 10

/** What we answer with, in a 183 and again in the 200 (RFC 3264 4, RFC 6337 2.2: the same answer in both). */
interface Prepared {
  negotiation: Negotiation
  body: SipBody
  /** Undefined where the body is our offer, because the INVITE had none. */
  settled: Settled | undefined
}

/** From the peer's INVITE to our final answer. */
export class IncomingLeg implements Leg {
  /** BEHAVIOUR: somebody here does not want the call. */
  readonly hangup = { cause: 'rejected', sipCode: 603 } as const
  /** RFC 3261 16.7 5: a 6xx ends the call at every other telephone that rings as well, which is not ours to decide. */
  readonly abandoned = { cause: 'no-answer', sipCode: 480 } as const
  readonly #host: LegHost
  readonly #invite: IncomingInvite
  #offer: ReadOffer | undefined
  #decideTimer: Timer | undefined
  #progressTimer: Timer | undefined
  #prepared: Promise<Prepared> | undefined
  /** There since the 183: later provisional answers carry it as well, so that nobody takes them for its end. */
  #earlyBody: SipBody | undefined
  #answering = false
  #isFinal = false
  #phrase = ''
  /** Of a refusal: why, or who else may be called. */
  #headers: readonly HeaderField[] = []

  constructor(host: LegHost, invite: IncomingInvite) {
    this.#host = host
    this.#invite = invite
    invite.handlers = { cancelled: (reasons) => this.#cancelled(reasons) }
  }

  /** Undefined where the rule takes calls and the offer, if there is one, can be answered; otherwise how the call ends. */
  refusal(rule: IncomingCallInit['rule']): CallEnd | undefined {
    if (rule.mode === 'reject') {
      const { rejectStatus: sipCode } = rule
      return { by: 'local', cause: causeOfRejection(sipCode), sipCode, reason: 'rejected by rule' }
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

  /** From now on somebody decides, or 480 (RFC 3261 21.4.18) says that nobody did. */
  awaitDecision(decideMs: number): void {
    this.#decideTimer?.cancel()
    this.#decideTimer = this.#host.clock.setTimeout(
      () => this.#host.finish({ by: 'local', cause: 'no-answer', sipCode: 480, reason: 'nobody took the call' }),
      decideMs,
    )
  }

  /** Answers by itself, at once or after it has rung. A CANCEL in between ends the call, as for any that rings. */
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

  /** 183 with our answer: the caller hears us and we hear it, before anybody pays (RFC 3960 3.1). */
  async early(headers: readonly HeaderField[]): Promise<void> {
    if (!this.#invite.request.body) {
      // Our offer would need a reliable 183 (RFC 3262 5), which is not spoken here.
      throw new TelephonyError('WRONG_STATE', 'the caller offered no sound in its INVITE: it can only be answered')
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
  }

  /** `phrase`: what stands in the status line; '' for the usual words. */
  reject(status: number, phrase: string): void {
    if (!Number.isInteger(status) || status < 400 || status > 699) {
      throw new TelephonyError('BAD_ARGUMENT', 'a call is rejected with a status of 400 to 699')
    }
    this.#phrase = checkPhrase(phrase)
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

  /** RFC 3261 21.3.3: 302, the caller tries these addresses itself, the first one first. */
  redirect(contacts: readonly string[], phrase: string): void {
    if (contacts.length === 0 || contacts.length > MAX_CONTACTS) {
      throw new TelephonyError('BAD_TARGET', `redirect: 1 to ${MAX_CONTACTS} addresses`)
    }
    this.#phrase = checkPhrase(phrase)
    // 19.1.1: no q where the order says it already; the URI is in brackets, its parameters are its own.
    this.#headers = [['Contact', contacts.map((uri) => `<${uri}>`).join(', ')]]
    this.#host.finish({ by: 'local', cause: 'rejected', sipCode: 302, reason: phrase || 'redirected' })
  }

  async leave(end: CallEnd): Promise<number | null> {
    this.#stopTimers()
    if (this.#isFinal) return null
    this.#isFinal = true
    const status = end.sipCode ?? 500
    const reason = this.#phrase === '' ? {} : { reason: this.#phrase }
    const headers = this.#headers.length === 0 ? {} : { headers: this.#headers }
    this.#invite.reject(status, { ...reason, ...headers })
    return status
  }

  async #answer(headers: readonly HeaderField[]): Promise<void> {
    const { body, settled } = await this.#prepare()
    this.#assertUndecided('the answer')
    // Throws BAD_HEADER: then the call still waits for a decision.
    const dialog = this.#invite.accept({ headers, body })
    this.#isFinal = true
    this.#stopTimers()
    this.#host.answered(dialog, settled)
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

  /** Media and answer are made once; what a 183 said holds in the 200. */
  #prepare(): Promise<Prepared> {
    this.#prepared ??= this.#open()
    return this.#prepared
  }

  /**
   * Opens media and makes the answer, or our offer: an INVITE without one gets ours in the 2xx (RFC 3261 13.2.1). Media is told
   * what was settled when the answer goes out (`early`, `answered`), which therefore waits for one round trip to it, not two.
   */
  async #open(): Promise<Prepared> {
    const offer = this.#offer
    try {
      const negotiation = await this.#host.negotiation()
      if (!offer) return { negotiation, body: negotiation.offer(), settled: undefined }
      const { body, settled } = negotiation.answer(offer)
      return { negotiation, body, settled }
    } catch (thrown) {
      const error = TelephonyError.from(thrown)
      this.#host.finish({ by: 'error', cause: 'failed', sipCode: 503, reason: error.message })
      throw error
    }
  }

  #cancelled(reasons: readonly string[]): void {
    this.#isFinal = true
    const cause = isCompletedElsewhere(reasons) ? 'completed-elsewhere' : 'cancelled'
    this.#host.finish({ by: 'remote', cause, sipCode: 487, reason: reasonText(reasons) ?? 'cancelled' })
  }
}

/** It stands in the status line: what could begin another line is refused (RFC 3261 25.1 Reason-Phrase). */
function checkPhrase(phrase: string): string {
  if (/[\p{Cc}\p{Zl}\p{Zp}]/u.test(phrase)) {
    throw new TelephonyError('BAD_HEADER', 'the reason must not contain line breaks or control characters')
  }
  if (phrase.length > 128) throw new TelephonyError('BAD_ARGUMENT', 'the reason is one short line')
  return phrase
}
