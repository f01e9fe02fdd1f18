/** Reports once that the peer has been silent for too long, and again after it was heard meanwhile. */
export class SilenceWatch {
  readonly #onSilence: (silentMs: number) => void
  #limitMs = 0
  #reported = false

  constructor(onSilence: (silentMs: number) => void) {
    this.#onSilence = onSilence
  }

  /** `limitMs` 0: the peer need not send. */
  begin(limitMs: number): void {
    this.#limitMs = limitMs
    this.#reported = false
  }

  check(silentMs: number): void {
    if (silentMs < this.#limitMs) this.#reported = false
    else if (this.#limitMs > 0 && !this.#reported) {
      this.#reported = true
      this.#onSilence(Math.round(silentMs))
    }
  }
}
