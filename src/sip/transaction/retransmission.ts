import type { Clock, Timer } from '../../base/clock.js'
import { T1, TRANSACTION_MS } from './timers.js'

/**
 * Sends again at T1, 2*T1, 4*T1 … up to a longest interval, and tells when 64*T1 have passed: Timers A with B, E with
 * F, G with H (RFC 3261 17.1.1.2, 17.1.2.2, 17.2.1). Where the transport is reliable it only tells the end.
 */
export class Retransmission {
  readonly #clock: Clock
  readonly #resend: () => void
  readonly #expired: () => void
  readonly #longestMs: number
  readonly #repeats: boolean
  readonly #deadlineMs: number
  #intervalMs = T1
  #timer: Timer

  constructor(
    deps: { clock: Clock; resend: () => void; expired: () => void },
    init: { longestMs: number; repeats: boolean },
  ) {
    this.#clock = deps.clock
    this.#resend = deps.resend
    this.#expired = deps.expired
    this.#longestMs = init.longestMs
    this.#repeats = init.repeats
    this.#deadlineMs = deps.clock.now() + TRANSACTION_MS
    this.#timer = this.#arm()
  }

  /** RFC 3261 17.1.2.2: after a provisional response Timer E stays at T2. Takes effect from the next one on. */
  slowDown(): void {
    this.#intervalMs = this.#longestMs
  }

  stop(): void {
    this.#timer.cancel()
  }

  #arm(): Timer {
    const leftMs = this.#deadlineMs - this.#clock.now()
    if (!this.#repeats || this.#intervalMs >= leftMs) return this.#clock.setTimeout(this.#expired, leftMs)
    return this.#clock.setTimeout(() => this.#fire(), this.#intervalMs)
  }

  #fire(): void {
    this.#intervalMs = Math.min(this.#intervalMs * 2, this.#longestMs)
    this.#timer = this.#arm()
    this.#resend()
  }
}
