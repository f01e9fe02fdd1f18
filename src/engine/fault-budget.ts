import type { Clock } from '../base/clock.js'

const WINDOW_MS = 60_000

/** Counts faults that nobody caught. Some are lived with, one by one; too many at once mean that something is broken for good. */
export class FaultBudget {
  readonly #clock: Clock
  readonly #perMinute: number
  #timesMs: number[] = []

  constructor(deps: { clock: Clock }, init: { perMinute: number }) {
    this.#clock = deps.clock
    this.#perMinute = init.perMinute
  }

  /** False when this one was too many. */
  take(): boolean {
    const nowMs = this.#clock.now()
    this.#timesMs = [...this.#timesMs.filter((timeMs) => nowMs - timeMs < WINDOW_MS), nowMs]
    return this.#timesMs.length <= this.#perMinute
  }
}
