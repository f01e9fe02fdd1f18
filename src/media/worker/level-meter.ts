const BLOCK_SAMPLES = 2000
const BLOCKS = 4

/** RMS over the last second of 8 kHz sound, in four blocks. */
export class LevelMeter {
  readonly #sums = new Float64Array(BLOCKS)
  readonly #samples = new Uint32Array(BLOCKS)
  #block = 0

  /** Adds the sum of squares of `samples` samples. */
  add(energy: number, samples: number): void {
    if ((this.#samples[this.#block] ?? 0) >= BLOCK_SAMPLES) {
      this.#block = (this.#block + 1) % BLOCKS
      this.#sums[this.#block] = this.#samples[this.#block] = 0
    }
    this.#sums[this.#block] = (this.#sums[this.#block] ?? 0) + energy
    this.#samples[this.#block] = (this.#samples[this.#block] ?? 0) + samples
  }

  /** null before the first sample. Silence is -96, because one step of 16 bits is -90. */
  get dbfs(): number | null {
    const samples = this.#samples.reduce((all, one) => all + one, 0)
    if (samples === 0) return null
    const sum = this.#sums.reduce((all, one) => all + one, 0)
    return Math.max(-96, 10 * Math.log10(sum / samples / 32768 ** 2))
  }
}
