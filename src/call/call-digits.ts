/** The digits of a call: those that the peer presses, and when ours may be sent. */
import type { Clock } from '../base/clock.js'
import { DigitBuffer, DigitMerge, type DigitPath } from './digits.js'
import { FirstKey } from './first-key.js'

export class CallDigits {
  readonly #clock: Clock
  #buffer: DigitBuffer | undefined
  #merge: DigitMerge | undefined
  #firstKey: FirstKey | undefined
  #isHeard = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Digits that no gather has read yet. */
  get buffer(): DigitBuffer {
    this.#buffer ??= new DigitBuffer()
    return this.#buffer
  }

  /** False for the copy of a digit that came by the other path. */
  accept(digit: string, durationMs: number, path: DigitPath): boolean {
    this.#merge ??= new DigitMerge()
    return this.#merge.accept(digit, durationMs, path, this.#clock.now())
  }

  /** Resolves when our first key may be sent; undefined if it may be sent now. Before the answer keys are for early media and are sent at once. */
  keysWait(answeredMs: number | undefined): Promise<boolean> | undefined {
    if (answeredMs === undefined || this.#isHeard) return undefined
    this.#firstKey ??= new FirstKey(this.#clock, answeredMs)
    return this.#firstKey.wait()
  }

  /** Sound has come from the peer. */
  heard(): void {
    this.#isHeard = true
    this.#firstKey?.heard()
  }

  ended(): void {
    this.#firstKey?.ended()
  }
}
