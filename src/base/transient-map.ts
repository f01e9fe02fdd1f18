/**
 * A Map whose entries live as long as a call or a request. V8 makes a new table for a Map every few changes and lets the old
 * table point to the new one. A table in the old generation so keeps all later tables, and their entries, alive through young collections.
 * The tables here hold small boxes, which `delete` empties, so that an ended call can be collected before the next full collection.
 */
export class TransientMap<K, V> {
  readonly #boxes = new Map<K, { value: V | undefined }>()

  get size(): number {
    return this.#boxes.size
  }

  has(key: K): boolean {
    return this.#boxes.has(key)
  }

  get(key: K): V | undefined {
    return this.#boxes.get(key)?.value
  }

  set(key: K, value: V): this {
    const box = this.#boxes.get(key)
    if (box) box.value = value
    else this.#boxes.set(key, { value })
    return this
  }

  delete(key: K): boolean {
    const box = this.#boxes.get(key)
    if (box) box.value = undefined
    return this.#boxes.delete(key)
  }

  clear(): void {
    for (const key of this.#boxes.keys()) this.delete(key)
  }

  *values(): IterableIterator<V> {
    for (const box of this.#boxes.values()) yield box.value as V
  }
}
