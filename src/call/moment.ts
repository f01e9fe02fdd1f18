import type { Clock } from '../base/clock.js'
import { isoTime } from '../base/iso-time.js'

/** A point in time: wall-clock time for people, monotonic time for durations. */
export class Moment {
  readonly wallMs: number
  readonly monoMs: number
  #iso: string | undefined

  constructor(clock: Clock) {
    this.wallMs = clock.wall()
    this.monoMs = clock.now()
  }

  /** ISO 8601; made once, because several fields of an event show the same moment. */
  get iso(): string {
    this.#iso ??= isoTime(this.wallMs)
    return this.#iso
  }

  /** Whole ms. */
  since(earlier: Moment | null): number {
    return earlier ? Math.round(this.monoMs - earlier.monoMs) : 0
  }
}
