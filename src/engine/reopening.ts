import { backoffMs } from '../base/backoff.js'
import type { Clock, Timer } from '../base/clock.js'
import { randomBetween } from '../base/ids.js'

/** Waits for a port that another program releases, or an address that returns: short at first, then a minute. */
const BACKOFF = { baseMs: 2_000, maxMs: 60_000, floor: 0.5 }

interface Waiting {
  error: Error
  failures: number
  timer: Timer
}

/** Retries accounts whose socket could not be opened, until it opens or the account is removed. */
export class Reopening {
  readonly #clock: Clock
  readonly #waiting = new Map<string, Waiting>()

  constructor(deps: { clock: Clock }) {
    this.#clock = deps.clock
  }

  /** Why the account could not be opened. */
  reasonFor(accountId: string): Error | undefined {
    return this.#waiting.get(accountId)?.error
  }

  /** Returns the wait before `again` is called. */
  failed(accountId: string, error: Error, again: () => void): number {
    const failures = this.#waiting.get(accountId)?.failures ?? 0
    this.forget(accountId)
    const waitMs = backoffMs(BACKOFF, failures, randomBetween)
    const timer = this.#clock.setTimeout(again, waitMs)
    this.#waiting.set(accountId, { error, failures: failures + 1, timer })
    return waitMs
  }

  forget(accountId: string): void {
    this.#waiting.get(accountId)?.timer.cancel()
    this.#waiting.delete(accountId)
  }

  close(): void {
    for (const accountId of [...this.#waiting.keys()]) this.forget(accountId)
  }
}
