/** A telephone that has just answered may miss a key, so the first key waits for a packet of the peer, or a short time. */
import type { Clock, Timer } from '../base/clock.js'
import { type Deferred, deferred } from '../base/deferred.js'

const MAX_WAIT_MS = 300

export class FirstKey {
  readonly #clock: Clock
  readonly #answeredMs: number
  #mayGo = false
  #waiting: { decided: Deferred<boolean>; timer: Timer } | undefined

  constructor(clock: Clock, answeredMs: number) {
    this.#clock = clock
    this.#answeredMs = answeredMs
  }

  /** Undefined if a key may be sent now. Otherwise resolves when it may be sent, or with false if the call ended first. */
  wait(): Promise<boolean> | undefined {
    const leftMs = this.#answeredMs + MAX_WAIT_MS - this.#clock.now()
    if (this.#mayGo || leftMs <= 0) return undefined
    this.#waiting ??= {
      decided: deferred<boolean>(),
      timer: this.#clock.setTimeout(() => this.#decide(true), leftMs),
    }
    return this.#waiting.decided.promise
  }

  /** Sound has come from the peer. */
  heard(): void {
    this.#mayGo = true
    this.#decide(true)
  }

  ended(): void {
    this.#decide(false)
  }

  #decide(mayGo: boolean): void {
    this.#waiting?.timer.cancel()
    this.#waiting?.decided.resolve(mayGo)
    this.#waiting = undefined
  }
}
