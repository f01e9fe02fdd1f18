const HISTORY_SAMPLES = 160
/** After 60 ms nothing is left of what was heard. */
const FADE_SAMPLES = 480

/** Fills lost sound with what was last heard, again and again, fading out. */
export class Concealment {
  readonly #history = new Int16Array(HISTORY_SAMPLES)
  #concealed = 0

  /** Whether anything of the last sound is left to conceal with. */
  get exhausted(): boolean {
    return this.#concealed >= FADE_SAMPLES
  }

  /** Sound that was heard: the end of it is kept. */
  heard(frame: Int16Array, from: number, n: number): void {
    const history = this.#history
    const keep = Math.min(n, HISTORY_SAMPLES)
    if (keep < HISTORY_SAMPLES) history.copyWithin(0, keep)
    for (let i = 0; i < keep; i++) history[HISTORY_SAMPLES - keep + i] = frame[from + n - keep + i] ?? 0
    this.#concealed = 0
  }

  fill(frame: Int16Array, from: number, n: number): void {
    for (let i = 0; i < n; i++) {
      const gain = Math.max(0, 1 - this.#concealed / FADE_SAMPLES)
      frame[from + i] = (this.#history[this.#concealed % HISTORY_SAMPLES] ?? 0) * gain
      this.#concealed++
    }
  }
}
