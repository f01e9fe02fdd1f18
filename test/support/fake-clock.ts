import type { Clock, Timer } from '../../src/base/clock.js'

/** A clock that stands still until it is told to advance; timers run in order of their due time. */
export class FakeClock implements Clock {
  #nowMs = 0
  #order = 0
  #wallOriginMs: number
  readonly #timers = new Set<{ dueMs: number; order: number; run: () => void }>()

  constructor(wallOriginMs = Date.UTC(2026, 0, 1)) {
    this.#wallOriginMs = wallOriginMs
  }

  now(): number {
    return this.#nowMs
  }

  wall(): number {
    return this.#wallOriginMs + this.#nowMs
  }

  setTimeout(run: () => void, ms: number): Timer {
    const timer = { dueMs: this.#nowMs + Math.max(0, ms), order: this.#order++, run }
    this.#timers.add(timer)
    return { cancel: () => void this.#timers.delete(timer) }
  }

  /** Timers that still wait: a test's way to see a leak. */
  get pending(): number {
    return this.#timers.size
  }

  /** Time goes by and nothing runs, as where a thread is held up. */
  stall(ms: number): void {
    this.#nowMs += ms
  }

  /** Somebody sets the clock on the wall, or the machine sleeps: no other clock goes on. */
  setWall(byMs: number): void {
    this.#wallOriginMs += byMs
  }

  advance(ms: number): void {
    const untilMs = this.#nowMs + ms
    for (;;) {
      const next = [...this.#timers]
        .filter((t) => t.dueMs <= untilMs)
        .sort((a, b) => a.dueMs - b.dueMs || a.order - b.order)[0]
      if (!next) break
      this.#timers.delete(next)
      this.#nowMs = Math.max(this.#nowMs, next.dueMs)
      next.run()
    }
    this.#nowMs = untilMs
  }
}
