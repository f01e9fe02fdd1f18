/** The values that were added last, up to a limit; the oldest one makes room for a new one. */
export class RecentSet<Value> {
  readonly #values = new Set<Value>()
  readonly #limit: number

  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#values.size
  }

  /** A value that is there already counts as new again. Returns whether the content has changed. */
  add(value: Value): boolean {
    if (this.#values.delete(value)) {
      this.#values.add(value)
      return false
    }
    this.#values.add(value)
    const [oldest] = this.#values
    if (this.#values.size > this.#limit) this.#values.delete(oldest as Value)
    return true
  }

  has(value: Value): boolean {
    return this.#values.has(value)
  }

  values(): IterableIterator<Value> {
    return this.#values.values()
  }
}
