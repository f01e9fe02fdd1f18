/** Counts the most frequent of many keys in bounded memory. */

const MAX_KEYS = 16

/** A frequent key keeps its place however many rare keys come (Metwally's Space-Saving, without its overestimation). */
export class Tally {
  readonly #counts = new Map<string, number>()

  add(key: string): void {
    const count = this.#counts.get(key)
    if (count === undefined && this.#counts.size >= MAX_KEYS) this.#dropRarest()
    this.#counts.set(key, (count ?? 0) + 1)
  }

  /** The most frequent keys, sorted by count. */
  top(limit: number): { key: string; count: number }[] {
    return [...this.#counts]
      .map(([key, count]) => ({ key, count }))
      .sort((a, b) => b.count - a.count)
      .slice(0, limit)
  }

  #dropRarest(): void {
    let rarest: string | undefined
    let least = Number.POSITIVE_INFINITY
    for (const [key, count] of this.#counts) {
      if (count < least) [rarest, least] = [key, count]
    }
    if (rarest !== undefined) this.#counts.delete(rarest)
  }
}
