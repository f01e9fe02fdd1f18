import type { Clock, Timer } from '../../base/clock.js'
import { T1, TRANSACTION_MS } from './timers.js'

/** Sends a message again; `expired` is called at the end. */
export interface Repeatable {
  resend(): void
  /** 64*T1 have passed. */
  expired(): void
}

/**
 * Sends again at T1, 2*T1, 4*T1 … up to a longest interval, and tells when 64*T1 have passed: Timers A with B, E with
 * F, G with H (RFC 3261 17.1.1.2, 17.1.2.2, 17.2.1), and a 2xx to INVITE until its ACK (13.3.1.4). If nothing is to be repeated, because
 * the transport is reliable, it only tells the end.
 */
export class Retransmission {
  readonly #clock: Clock
  readonly #what: Repeatable
  readonly #longestMs: number
  readonly #repeats: boolean
  readonly #deadlineMs: number
  #intervalMs = T1
  #timer: Timer

  constructor(clock: Clock, what: Repeatable, init: { longestMs: number; repeats: boolean }) {
    this.#clock = clock
    this.#what = what
    this.#longestMs = init.longestMs
    this.#repeats = init.repeats
    this.#deadlineMs = clock.now() + TRANSACTION_MS
    this.#timer = this.#arm()
  }

  /** RFC 3261 17.1.2.2: after a provisional response Timer E stays at T2. Takes effect from the next one on. */
  slowDown(): void {
    this.#intervalMs = this.#longestMs
  }

  /** Idempotent. */
  stop(): void {
    this.#timer.cancel()
  }

  #arm(): Timer {
    const leftMs = this.#deadlineMs - this.#clock.now()
    if (!this.#repeats || this.#intervalMs >= leftMs) return this.#clock.setTimeout(() => this.#what.expired(), leftMs)
    return this.#clock.setTimeout(() => this.#fire(), this.#intervalMs)
  }

  #fire(): void {
    this.#intervalMs = Math.min(this.#intervalMs * 2, this.#longestMs)
    this.#timer = this.#arm()
    this.#what.resend()
  }
}
