import { TelephonyError } from './errors.js'

/** Runs a few tasks at once; a limited number of others waits, in their order. */
export class Turns {
  readonly #limits: { atOnce: number; waiting: number }
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(limits: { atOnce: number; waiting: number }) {
    this.#limits = limits
  }

  /** Rejects with TRANSPORT if too many tasks wait. */
  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#limits.atOnce) await this.#wait()
    else this.#running++
    try {
      return await task()
    } finally {
      // The next task takes the place of this one.
      const next = this.#waiting.shift()
      if (next) next()
      else this.#running--
    }
  }

  #wait(): Promise<void> {
    if (this.#waiting.length < this.#limits.waiting) return new Promise((resolve) => this.#waiting.push(resolve))
    throw new TelephonyError('TRANSPORT', `more than ${this.#limits.waiting} names wait for DNS. Try again later`)
  }
}
