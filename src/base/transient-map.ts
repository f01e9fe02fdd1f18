/**
 * A Map whose entries come and go with calls, requests and the like. V8 makes a new table for a Map every few changes and lets the old
 * one point to it; a table that has grown old keeps all later ones, and whatever stood in them, from the collector of young objects.
 * What stands in the tables here is a small box, which `delete` empties: a call does not outlive its end until the next full collection.
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
