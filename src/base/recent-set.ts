import { RecentMap } from './recent-map.js'

/** The values that were added last, up to a limit; the oldest one makes room for a new one. */
export class RecentSet<Value> {
  readonly #values: RecentMap<Value, true>

  constructor(limit: number) {
    this.#values = new RecentMap(limit)
  }

  get size(): number {
    return this.#values.size
  }

  /** A value that is there already counts as new again. Returns whether the content has changed. */
  add(value: Value): boolean {
    const isNew = !this.#values.has(value)
    this.#values.set(value, true)
    return isNew
  }

  has(value: Value): boolean {
    return this.#values.has(value)
  }

  values(): IterableIterator<Value> {
    return this.#values.keys()
  }
}
