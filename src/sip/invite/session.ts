import type { Clock } from '../../base/clock.js'
import type { Logger } from '../../base/logger.js'
import type { ParsedRequest, ParsedResponse } from '../message/parsed-message.js'
import type { SipDialog } from '../types.js'
import { SessionInterval } from './session-interval.js'
import { answerLines, refreshLines, type SessionTerms, termsFor, termsIn } from './session-terms.js'
import { SessionTimer } from './session-timer.js'

/** RFC 3326 */
const EXPIRED = 'SIP;cause=408;text="Session expired"'

interface SessionDeps {
  clock: Clock
  log: Logger
  dialog: SipDialog
}

/** The session timer of one dialog, in both roles (RFC 4028): the header lines of its messages, its refreshes, and its end without one. */
export class Session {
  readonly #timer: SessionTimer
  readonly #wishSec: number
  #minSec: number
  readonly #deps: SessionDeps
  /** The peer allows UPDATE but does not take it. */
  #needsInvite = false

  /** `wishSec`: the interval that we ask for; 0: none. `minSec`: the highest Min-SE that the peer has asked for. */
  constructor(deps: SessionDeps, init: { wishSec: number; minSec: number }) {
    this.#deps = deps
    this.#timer = new SessionTimer(deps.clock, this)
    this.#wishSec = init.wishSec
    this.#minSec = init.minSec
  }

  /** Header lines of our re-INVITE or UPDATE, which refreshes too (RFC 4028 7.4). */
  get lines(): string[] {
    const { terms } = this.#timer
    return terms ? ['Supported: timer', ...refreshLines(terms, this.#minSec)] : []
  }

  /** For 422: a new interval of our refresh, which has to be longer (7.3). */
  longerLines(refusals: SessionInterval, response: ParsedResponse): string[] | undefined {
    const { terms } = this.#timer
    if (!terms || !refusals.refusedBy(response)) return undefined
    this.#minSec = refusals.minSec
    return refreshLines(terms, this.#minSec)
  }

  refusals(): SessionInterval {
    return new SessionInterval(0, this.#minSec)
  }

  /** Our answer to the peer's INVITE or UPDATE, if it will be a 2xx: the lines in it, and the terms from then on. */
  answerTo(request: ParsedRequest): { lines: string[]; terms: SessionTerms | undefined } {
    const terms = termsFor(request, this.#wishSec, this.#timer.terms)
    return { lines: answerLines(request, terms), terms }
  }

  /** A 2xx with these terms has been sent. */
  agree(terms: SessionTerms | undefined): void {
    this.#timer.agree(terms)
  }

  /** The peer's 2xx to our INVITE or UPDATE. */
  heard(response: ParsedResponse): void {
    this.#timer.agree(termsIn(response))
  }

  /** RFC 4028 7.4: UPDATE without an offer where the peer allows it, else a re-INVITE, whose offer the call makes. */
  refresh(): void {
    const { dialog, log } = this.#deps
    const { refresh } = dialog.handlers
    const byInvite = refresh && (this.#needsInvite || !dialog.allows('UPDATE'))
    const sent = byInvite ? this.#refreshByInvite(refresh) : this.#refreshByUpdate()
    sent.catch((error) => {
      log.warn({ err: error }, 'the session could not be refreshed')
      this.#timer.retry()
    })
  }

  /** RFC 4028 10 */
  expired({ expiresSec }: SessionTerms): void {
    const { dialog, log } = this.#deps
    dialog.bye({ headers: [['Reason', EXPIRED]] }).catch((error) => log.debug({ err: error }, 'BYE of an expired call'))
    dialog.handlers.expired?.(expiresSec)
  }

  /** Idempotent. */
  stop(): void {
    this.#timer.stop()
  }

  async #refreshByUpdate(): Promise<void> {
    const { dialog } = this.#deps
    const response = await dialog.update()
    if (response.status < 300) return
    this.#needsInvite ||= response.status === 405 || response.status === 501
    this.#timer.retry(dialog.retryMs(response))
  }

  async #refreshByInvite(refresh: () => Promise<boolean>): Promise<void> {
    if (!(await refresh())) this.#timer.retry()
  }
}
