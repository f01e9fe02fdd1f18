import type { Timer } from '../base/clock.js'
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
import { deferred } from './deferred.js'
import type { Leg, LegHost } from './leg.js'
import type { Negotiation } from './negotiation.js'

/** From our INVITE to its final answer. */
export class OutgoingLeg implements Leg {
  readonly hangup = { cause: 'cancelled', sipCode: null } as const
  readonly #host: LegHost
  readonly #negotiation: Negotiation
  readonly #final = deferred<number>()
  #isFinal = false
  #invite: OutgoingInvite | undefined
  #ringTimer: Timer | undefined
  /** To an answer that cannot be used. */
  #bye: Promise<void> | undefined

  constructor(host: LegHost, negotiation: Negotiation) {
    this.#host = host
    this.#negotiation = negotiation
  }

  /** Throws what the SIP layer refuses: BAD_HEADER, BAD_TARGET. */
  start(userAgent: UserAgent, init: Omit<OutgoingInviteInit, 'body'>, ringTimeoutMs: number): void {
    const body = this.#negotiation.offer()
    this.#ringTimer = this.#host.clock.setTimeout(() => this.#ringTimeout(), ringTimeoutMs)
    try {
      this.#invite = userAgent.invite(
        { ...init, body },
        {
          progress: (response) => this.#progress(response),
          answered: (dialog, response) => this.#answered(dialog, response),
          failed: (response) => this.#failed(response),
        },
      )
    } catch (error) {
      this.#over()
      throw error
    }
  }

  async leave(_end: CallEnd): Promise<number | null> {
    this.#ringTimer?.cancel()
    if (this.#isFinal) {
      await this.#bye
      return null
    }
    this.#invite?.cancel()
    return this.#final.promise
  }

  #ringTimeout(): void {
    this.#host.finish({ by: 'local', cause: 'no-answer', sipCode: null, reason: 'ring timeout' })
  }

  #over(): void {
    this.#isFinal = true
    this.#ringTimer?.cancel()
  }

  #progress(response: SipResponse): void {
    if (this.#host.ending) return
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
    this.#over()
    this.#final.resolve(response.status)
    if (!isLocal(response)) this.#host.noteHeaders(response)
    this.#host.finish({
      by: isLocal(response) ? 'error' : 'remote',
      cause: causeOfStatus(response.status),
      sipCode: response.status,
      reason: response.reason.slice(0, 128),
    })
  }
}

/** RFC 3261 15: the 2xx is acknowledged first, which happens when its handler returns. */
async function hangUpLater(dialog: SipDialog): Promise<void> {
  await Promise.resolve()
  await dialog.bye()
}
