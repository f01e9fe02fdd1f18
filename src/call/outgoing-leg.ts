import type { Timer } from '../base/clock.js'
import { deferred } from '../base/deferred.js'
import { TelephonyError } from '../base/errors.js'
import type { Settled } from '../sdp/offer-answer.js'
import {
  type EarlyProgress,
  type FinalResponse,
  isLocal,
  type OutgoingInvite,
  type OutgoingInviteInit,
  type SipBody,
  type SipDialog,
  type SipResponse,
  type UserAgent,
} from '../sip/types.js'
import type { SipUri } from '../sip/uri/sip-uri.js'
import { answerOffer } from './answer-offer.js'
import type { CallEnd } from './call-event.js'
import { causeOfStatus } from './call-state.js'
import type { Farewell, Leg, LegHost } from './leg.js'
import type { Negotiation } from './negotiation.js'
import { COMPLETED_ELSEWHERE, isCompletedElsewhere, readReasons, reasonValue } from './reason.js'
import { contactsOf, isRedirection, Redirections } from './redirection.js'

interface OutgoingLegInit {
  ringTimeoutMs: number
  /** Resolves the address of a redirection; throws if it may not be called. Undefined: redirections are not followed. */
  redirect: ((uri: string) => { uri: SipUri }) | undefined
  /** The peer makes the offer (RFC 3261 13.2.1). */
  delayedOffer: boolean
}

type OutgoingLegTarget = Omit<OutgoingInviteInit, 'body' | 'target'> & { target: SipUri }

/** The call from our INVITE to its final response. */
export class OutgoingLeg implements Leg {
  readonly hangup = { cause: 'cancelled', sipCode: null } as const
  readonly elsewhere = { cause: 'completed-elsewhere', sipCode: null } as const
  readonly #host: LegHost
  readonly #negotiation: Negotiation
  readonly #final = deferred<number>()
  #isFinal = false
  #isDelayed = false
  /** By the tag of the early dialog: what was agreed by a reliable response, and since then by UPDATE. Each fork has its own. */
  readonly #agreed = new Map<string, Settled>()
  /** Set by a provisional response of the peer, such as 180. */
  #rang = false
  #invite: OutgoingInvite | undefined
  #ringTimer: Timer | undefined
  #redirections: Redirections | undefined
  #redirect: OutgoingLegInit['redirect']
  #send: ((target: SipUri) => OutgoingInvite) | undefined
  /** Resolves when the BYE after an unusable answer is done. */
  #bye: Promise<void> | undefined

  constructor(host: LegHost, negotiation: Negotiation) {
    this.#host = host
    this.#negotiation = negotiation
  }

  /** Throws errors of the SIP layer: BAD_HEADER, BAD_TARGET. */
  start(userAgent: UserAgent, init: OutgoingLegTarget, how: OutgoingLegInit): void {
    this.#isDelayed = how.delayedOffer
    const offer = how.delayedOffer ? {} : { body: this.#negotiation.offer() }
    this.#redirections = new Redirections(init.target.text)
    this.#redirect = how.redirect
    const send = (target: SipUri) =>
      userAgent.invite(
        // RFC 3261 8.1.3.4: To, From with its tag and Call-ID stay the same in every INVITE of the call.
        { ...init, ...offer, target, to: init.target, ...(this.#invite && { after: this.#invite }) },
        {
          progress: (response, early) => this.#progress(response, early),
          answered: (dialog, response, answer) => this.#answered(dialog, response, answer),
          failed: (response) => this.#failed(response),
        },
      )
    this.#send = send
    this.#ringTimer = this.#host.clock.setTimeout(() => this.#ringTimeout(), how.ringTimeoutMs)
    try {
      this.#invite = this.#send(init.target)
    } catch (error) {
      this.#over()
      throw error
    }
  }

  async leave(end: CallEnd, farewell?: Farewell): Promise<number | null> {
    this.#ringTimer?.cancel()
    if (this.#isFinal) {
      await this.#bye
      return null
    }
    this.#invite?.cancel(reasonOfCancel(end, farewell))
    return this.#final.promise
  }

  /** True if another target is tried after this response. */
  #followed(response: FinalResponse): boolean {
    const { ending, log } = this.#host
    if (ending || !this.#redirect || !this.#redirections) return false
    // RFC 3261 21.6: a 6xx holds for every address of the callee.
    if (response.status >= 600) return false
    if (!isLocal(response) && isRedirection(response.status)) this.#redirections.add(contactsOf(response))
    for (let uri = this.#redirections.next(); uri !== undefined; uri = this.#redirections.next()) {
      try {
        const target = this.#redirect(uri).uri
        this.#invite = this.#send?.(target)
        log.info({ status: response.status, target: target.text }, 'redirected')
        return true
      } catch (err) {
        log.warn({ err, uri }, 'a redirection leads to a target that this account may not call')
      }
    }
    return false
  }

  #ringTimeout(): void {
    this.#host.finish({
      by: 'local',
      cause: 'no-answer',
      sipCode: null,
      reason: this.#rang ? 'ring timeout' : 'ring timeout: the peer did not report ringing',
    })
  }

  #over(): void {
    this.#isFinal = true
    this.#ringTimer?.cancel()
  }

  #progress(response: SipResponse, early?: EarlyProgress): void {
    if (this.#host.ending) return
    this.#rang = true
    this.#host.noteHeaders(response)
    if (response.status === 180) this.#host.ringing(180)
    if (early) this.#takeOffers(early.dialog)
    if (!response.body || this.#host.ending) return
    try {
      const settled = this.#describedBy(response.body, early)
      if (settled) this.#host.early(settled, response.status)
    } catch (error) {
      // Early media is optional: the 2xx repeats the answer.
      this.#host.log.warn({ err: error, status: response.status }, 'the SDP of a provisional response is not valid')
    }
  }

  /** The answer to our offer, or the peer's offer, which the PRACK answers (RFC 3262 5). */
  #describedBy(body: SipBody, early: EarlyProgress | undefined): Settled | undefined {
    const tag = early?.dialog.remoteTag ?? ''
    // RFC 3261 13.2.1: after the answer, descriptions in later responses of the same dialog have no meaning.
    if (this.#agreed.has(tag)) return undefined
    const isReliable = early?.isReliable === true
    if (!this.#isDelayed) {
      const settled = this.#negotiation.acceptFirst(body)
      if (isReliable) this.#agreed.set(tag, settled)
      return settled
    }
    if (!isReliable) return undefined
    const { body: answer, settled } = this.#negotiation.answer(body)
    this.#agreed.set(tag, settled)
    early.prack(answer).catch((err) => this.#host.log.warn({ err }, 'the answer in PRACK could not be sent'))
    return settled
  }

  /** UPDATE in an early dialog (RFC 3311 5.2). */
  #takeOffers(dialog: SipDialog): void {
    dialog.handlers.request ??= (offer) => {
      const { body } = offer.request
      if (this.#host.ending || !body) {
        offer.reject(488)
        return
      }
      const settled = answerOffer({ log: this.#host.log, negotiation: this.#negotiation }, offer, body)
      if (!settled) return
      this.#agreed.set(dialog.remoteTag, settled)
      this.#host.early(settled, 183)
    }
  }

  #answered(dialog: SipDialog, response: SipResponse, answer?: (body: SipBody) => void): void {
    this.#over()
    if (this.#host.ending) {
      void hangUpLater(dialog)
      return
    }
    this.#host.noteHeaders(response)
    try {
      if (response.body && answer) answer(this.#negotiation.answer(response.body).body)
      else if (response.body && !this.#agreed.has(dialog.remoteTag)) this.#negotiation.acceptFirst(response.body)
      const settled = this.#agreed.get(dialog.remoteTag) ?? this.#negotiation.settled
      if (!settled) throw new TelephonyError('BAD_SDP', 'the peer answered the call without SDP')
      this.#host.answered(dialog, settled)
    } catch (error) {
      const { message } = TelephonyError.from(error)
      this.#bye = hangUpLater(dialog)
      this.#host.finish({ by: 'error', cause: 'failed', sipCode: null, reason: message })
    }
  }

  #failed(response: FinalResponse): void {
    if (this.#followed(response)) return
    this.#over()
    this.#final.resolve(response.status)
    const { status } = response
    if (isLocal(response)) {
      // Our own words say what to do: they are kept whole.
      this.#host.finish({ by: 'error', cause: causeOfStatus(status), sipCode: status, reason: response.reason })
      return
    }
    this.#host.noteHeaders(response)
    const elsewhere = isCompletedElsewhere(response.headers('Reason'))
    const cause = elsewhere ? 'completed-elsewhere' : causeOfStatus(status)
    const end: CallEnd = { by: 'remote', cause, sipCode: status, reason: response.reason.slice(0, 128) }
    const reasons = readReasons(response.headers('Reason'))
    if (reasons) end.reasons = reasons
    const contacts = status < 400 ? contactsOf(response) : []
    if (contacts.length > 0) end.contacts = contacts
    this.#host.finish(end)
  }
}

/** RFC 3261 15: the ACK is sent first, when the handler of the 2xx has returned. */
async function hangUpLater(dialog: SipDialog): Promise<void> {
  await Promise.resolve()
  await dialog.bye()
}

/** RFC 3326 2; CANCEL has no other header of the user, because each hop makes its own (RFC 3261 9.1). */
function reasonOfCancel(end: CallEnd, farewell: Farewell | undefined): string | undefined {
  if (end.cause === 'completed-elsewhere') return COMPLETED_ELSEWHERE
  return farewell?.reason === undefined ? undefined : reasonValue(farewell.reason, 'SIP;cause=487')
}
