import type { Timer } from '../base/clock.js'
import { deferred } from '../base/deferred.js'
import { TelephonyError } from '../base/errors.js'
import {
  type FinalResponse,
  isLocal,
  type OutgoingInvite,
  type OutgoingInviteInit,
  type SipDialog,
  type SipResponse,
  type UserAgent,
} from '../sip/types.js'
import type { CallEnd } from './call-event.js'
import { causeOfStatus } from './call-state.js'
import type { Leg, LegHost } from './leg.js'
import type { Negotiation } from './negotiation.js'
import { COMPLETED_ELSEWHERE, isCompletedElsewhere } from './reason.js'
import { contactsOf, isRedirection, Redirections } from './redirection.js'

interface OutgoingLegInit {
  ringTimeoutMs: number
  /** Whether the address of a redirection may be called: throws where not. Undefined: none is followed. */
  redirect: ((uri: string) => { uri: string }) | undefined
}

/** From our INVITE to its final answer. */
export class OutgoingLeg implements Leg {
  readonly hangup = { cause: 'cancelled', sipCode: null } as const
  readonly elsewhere = { cause: 'completed-elsewhere', sipCode: null } as const
  readonly #host: LegHost
  readonly #negotiation: Negotiation
  readonly #final = deferred<number>()
  #isFinal = false
  /** The other side said something, such as 180. */
  #rang = false
  #invite: OutgoingInvite | undefined
  #ringTimer: Timer | undefined
  #redirections: Redirections | undefined
  #redirect: OutgoingLegInit['redirect']
  #send: ((target: string) => OutgoingInvite) | undefined
  /** To an answer that cannot be used. */
  #bye: Promise<void> | undefined

  constructor(host: LegHost, negotiation: Negotiation) {
    this.#host = host
    this.#negotiation = negotiation
  }

  /** Throws what the SIP layer refuses: BAD_HEADER, BAD_TARGET. */
  start(userAgent: UserAgent, init: Omit<OutgoingInviteInit, 'body'>, how: OutgoingLegInit): void {
    const body = this.#negotiation.offer()
    this.#redirections = new Redirections(init.target)
    this.#redirect = how.redirect
    const send = (target: string) =>
      userAgent.invite(
        // 8.1.3.4: To, From with its tag and Call-ID stay, so that all of them are the same call.
        { ...init, body, target, to: init.target, ...(this.#invite && { after: this.#invite }) },
        {
          progress: (response) => this.#progress(response),
          answered: (dialog, response) => this.#answered(dialog, response),
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

  async leave(end: CallEnd): Promise<number | null> {
    this.#ringTimer?.cancel()
    if (this.#isFinal) {
      await this.#bye
      return null
    }
    this.#invite?.cancel(end.cause === 'completed-elsewhere' ? COMPLETED_ELSEWHERE : undefined)
    return this.#final.promise
  }

  /** True where another target is being tried in place of the one that sent this. */
  #followed(response: FinalResponse): boolean {
    const { ending, log } = this.#host
    if (ending || !this.#redirect || !this.#redirections) return false
    // 21.6: a 6xx speaks for the callee, whatever its address.
    if (response.status >= 600) return false
    if (!isLocal(response) && isRedirection(response.status)) this.#redirections.add(contactsOf(response))
    for (let uri = this.#redirections.next(); uri !== undefined; uri = this.#redirections.next()) {
      try {
        const target = this.#redirect(uri).uri
        this.#invite = this.#send?.(target)
        log.info({ status: response.status, target }, 'redirected')
        return true
      } catch (err) {
        log.warn({ err, uri }, 'a redirection leads to where this account does not call')
      }
    }
    return false
  }

  #ringTimeout(): void {
    this.#host.finish({
      by: 'local',
      cause: 'no-answer',
      sipCode: null,
      reason: this.#rang ? 'ring timeout' : 'ring timeout: not even ringing was heard',
    })
  }

  #over(): void {
    this.#isFinal = true
    this.#ringTimer?.cancel()
  }

  #progress(response: SipResponse): void {
    if (this.#host.ending) return
    this.#rang = true
    this.#host.noteHeaders(response)
    if (response.status === 180) this.#host.ringing(180)
    if (!response.body || this.#host.ending) return
    try {
      this.#host.early(this.#negotiation.accept(response.body), response.status)
    } catch (error) {
      // Early media is no must: the 2xx brings the answer again.
      this.#host.log.warn({ err: error, status: response.status }, 'early media not understood')
    }
  }

  #answered(dialog: SipDialog, response: SipResponse): void {
    this.#over()
    if (this.#host.ending) {
      void hangUpLater(dialog)
      return
    }
    this.#host.noteHeaders(response)
    try {
      if (response.body) this.#negotiation.accept(response.body)
      const settled = this.#negotiation.settled
      if (!settled) throw new TelephonyError('BAD_SDP', 'answered without SDP')
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
      this.#host.finish({
        by: 'error',
        cause: causeOfStatus(status),
        sipCode: status,
        reason: response.reason.slice(0, 128),
      })
      return
    }
    this.#host.noteHeaders(response)
    const elsewhere = isCompletedElsewhere(response.headers('Reason'))
    const cause = elsewhere ? 'completed-elsewhere' : causeOfStatus(status)
    this.#host.finish({ by: 'remote', cause, sipCode: status, reason: response.reason.slice(0, 128) })
  }
}

/** RFC 3261 15: the 2xx is acknowledged first, which happens when its handler returns. */
async function hangUpLater(dialog: SipDialog): Promise<void> {
  await Promise.resolve()
  await dialog.bye()
}
