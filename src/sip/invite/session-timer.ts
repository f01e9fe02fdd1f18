import type { Clock, Timer } from '../../base/clock.js'
import type { SessionTerms } from './session-terms.js'

interface SessionTimerUser {
  /** A refresh is due; `retry` follows if it fails. */
  refresh(): void
  /** No refresh has come or succeeded in time. */
  expired(terms: SessionTerms): void
}

/** RFC 4028 10: BYE is sent so long before the session expires, or a third of the interval, if that is shorter. */
const EARLY_MS = 32_000
const SHORTEST_RETRY_MS = 5_000

/** The time to the next refresh of a call, and to its end without one (RFC 4028 7.4, 10). */
export class SessionTimer {
  readonly #clock: Clock
  readonly #user: SessionTimerUser
  #terms: SessionTerms | undefined
  #endMs = 0
  #timer: Timer | undefined
  #isStopped = false

  constructor(clock: Clock, user: SessionTimerUser) {
    this.#clock = clock
    this.#user = user
  }

  get terms(): SessionTerms | undefined {
    return this.#terms
  }

  /** A 2xx to INVITE or UPDATE, in either direction, begins the interval anew; undefined: the call does not expire. */
  agree(terms: SessionTerms | undefined): void {
    if (this.#isStopped) return // a 2xx to our re-INVITE may come after the BYE
    this.#timer?.cancel()
    this.#terms = terms
    if (!terms) return
    const intervalMs = terms.expiresSec * 1000
    this.#endMs = this.#clock.now() + intervalMs - Math.min(EARLY_MS, intervalMs / 3)
    if (terms.refresher === 'us') this.#refreshIn(intervalMs / 2)
    else this.#awaitEnd()
  }

  /** The refresh has failed. `waitMs`: before the next one may be sent; absent: a part of the time that is left. */
  retry(waitMs?: number): void {
    if (!this.#terms) return
    const leftMs = this.#endMs - this.#clock.now()
    const nextMs = waitMs ?? Math.max(SHORTEST_RETRY_MS, leftMs / 4)
    if (nextMs < leftMs) this.#refreshIn(nextMs)
  }

  /** The call ends. Idempotent. */
  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
    this.#terms = undefined
  }

  #refreshIn(ms: number): void {
    this.#timer?.cancel()
    this.#timer = this.#clock.setTimeout(() => {
      this.#awaitEnd()
      this.#user.refresh()
    }, ms)
  }

  #awaitEnd(): void {
    this.#timer = this.#clock.setTimeout(() => this.#expire(), this.#endMs - this.#clock.now())
  }

  #expire(): void {
    const terms = this.#terms
    this.stop()
    if (terms) this.#user.expired(terms)
  }
}
