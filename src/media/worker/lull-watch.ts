/** Mean square of -45 dBFS: quieter sound is the noise of a line or a room, not a voice. */
const VOICE_MEAN_SQUARE = 33_954
const SAMPLES_PER_MS = 8

/** Reports once that the sound of the peer has been quiet for some time. Counts the played sound, so that a late packet changes nothing. */
export class LullWatch {
  readonly #onLull: () => void
  readonly #limit: number
  #quietSamples = 0

  constructor(limitMs: number, onLull: () => void) {
    this.#limit = limitMs * SAMPLES_PER_MS
    this.#onLull = onLull
  }

  /** `energy`: sum of squares of these samples. */
  hear(energy: number, samples: number): void {
    const before = this.#quietSamples
    this.#quietSamples = energy < VOICE_MEAN_SQUARE * samples ? before + samples : 0
    if (before < this.#limit && this.#quietSamples >= this.#limit) this.#onLull()
  }
}
