/** Detects digits as tones in the sound (ITU-T Q.23, Q.24), for peers without telephone-event. */

const SAMPLE_RATE = 8000
/** 12.75 ms: the shortest valid tone (40 ms) contains two whole blocks, wherever it begins. */
const BLOCK = 102
const ROWS_HZ = [697, 770, 852, 941] as const
const COLUMNS_HZ = [1209, 1336, 1477, 1633] as const
const KEYS = '123A456B789C*0#D'

/** Each of the two tones has at least -40 dBFS. */
const MIN_POWER = ((10 ** (-40 / 20) * 32_768 * BLOCK) / 2) ** 2
/** The other tones of a group are 8 dB below. */
const CLEARER = 6.3
/** Q.24: the column may be 8 dB louder than the row, the row 4 dB louder than the column. */
const COLUMN_TWIST = 6.3
const ROW_TWIST = 2.5
/** Both tones have at least 82 % of the block's energy (100 % at their exact frequencies); speech and music have other parts too. */
const SHARE = 0.82 * (BLOCK / 2)

const COEFFICIENTS = [...ROWS_HZ, ...COLUMNS_HZ].map((hz) => 2 * Math.cos((2 * Math.PI * hz) / SAMPLE_RATE))

/** Takes all received sound in pieces of any length. A digit begins when two successive blocks agree, and is reported when two blocks differ. */
export class ToneDetector {
  readonly #onDigit: (digit: string, durationMs: number) => void
  readonly #block = new Float64Array(BLOCK)
  readonly #power = new Float64Array(COEFFICIENTS.length)
  #filled = 0
  /** The current digit; '' for none. */
  #digit = ''
  #last = ''
  #blocks = 0

  constructor(onDigit: (digit: string, durationMs: number) => void) {
    this.#onDigit = onDigit
  }

  hear(frame: Int16Array, samples: number): void {
    for (let i = 0; i < samples; i++) {
      this.#block[this.#filled++] = frame[i] ?? 0
      if (this.#filled < BLOCK) continue
      this.#filled = 0
      this.#decide(this.#heard())
    }
  }

  #decide(heard: string): void {
    if (this.#digit !== '') this.#blocks++
    // A single block may be the edge of a tone, or a click within it.
    if (heard !== this.#digit && this.#last !== this.#digit) {
      if (this.#digit !== '') this.#onDigit(this.#digit, Math.round(((this.#blocks - 2) * BLOCK * 1000) / SAMPLE_RATE))
      this.#digit = heard === this.#last ? heard : ''
      this.#blocks = 2
    }
    this.#last = heard
  }

  /** The key of this block; '' for none. */
  #heard(): string {
    const energy = this.#measure()
    const row = this.#loudest(0)
    const column = this.#loudest(ROWS_HZ.length)
    const [low, high] = [this.#power[row] ?? 0, this.#power[column] ?? 0]
    const isPair =
      low >= MIN_POWER &&
      high >= MIN_POWER &&
      high <= low * COLUMN_TWIST &&
      low <= high * ROW_TWIST &&
      low + high >= SHARE * energy &&
      this.#standsOut(row, 0) &&
      this.#standsOut(column, ROWS_HZ.length)
    return isPair ? KEYS.charAt(row * COLUMNS_HZ.length + column - ROWS_HZ.length) : ''
  }

  /** Goertzel: the power at each of the eight frequencies. Returns the whole block's energy. */
  #measure(): number {
    let energy = 0
    for (let i = 0; i < BLOCK; i++) energy += (this.#block[i] ?? 0) ** 2
    for (let k = 0; k < COEFFICIENTS.length; k++) {
      const coefficient = COEFFICIENTS[k] ?? 0
      let before = 0
      let now = 0
      for (let i = 0; i < BLOCK; i++) {
        const next = (this.#block[i] ?? 0) + coefficient * now - before
        before = now
        now = next
      }
      this.#power[k] = now * now + before * before - coefficient * now * before
    }
    return energy
  }

  #loudest(from: number): number {
    let found = from
    for (let k = from + 1; k < from + 4; k++) if ((this.#power[k] ?? 0) > (this.#power[found] ?? 0)) found = k
    return found
  }

  #standsOut(loudest: number, from: number): boolean {
    for (let k = from; k < from + 4; k++) {
      if (k !== loudest && (this.#power[k] ?? 0) * CLEARER > (this.#power[loudest] ?? 0)) return false
    }
    return true
  }
}
