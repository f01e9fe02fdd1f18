import type { Clock } from '../base/clock.js'

const WINDOW_MS = 60_000

/** Counts uncaught faults. A few are tolerated; many within a short time mean a lasting failure. */
export class FaultBudget {
  readonly #clock: Clock
  readonly #perMinute: number
  #timesMs: number[] = []

  constructor(deps: { clock: Clock }, init: { perMinute: number }) {
    this.#clock = deps.clock
    this.#perMinute = init.perMinute
  }

  /** False if the limit is exceeded. */
  take(): boolean {
    const nowMs = this.#clock.now()
    this.#timesMs = [...this.#timesMs.filter((timeMs) => nowMs - timeMs < WINDOW_MS), nowMs]
    return this.#timesMs.length <= this.#perMinute
  }
}
