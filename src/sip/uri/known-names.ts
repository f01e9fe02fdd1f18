/**
 * Finds names that occur in most messages by length and first letter, of which few have the same: nothing is cut out of the text or
 * hashed. The value that is found is one string for all messages, and holds none of them.
 */
export class KnownNames {
  readonly #byShape: { name: string; value: string }[][] = []

  /** Names in ASCII, as they are spelled. */
  constructor(names: Iterable<readonly [name: string, value: string]>) {
    for (const [name, value] of names) {
      const shape = shapeOf(name.charCodeAt(0), name.length)
      const others = this.#byShape[shape] ?? []
      others.push({ name, value })
      this.#byShape[shape] = others
    }
  }

  /** The value of the name that stands from `start` to `end`. */
  find(text: string, start: number, end: number): string | undefined {
    const candidates = this.#byShape[shapeOf(text.charCodeAt(start), end - start)]
    if (candidates === undefined) return undefined
    for (const { name, value } of candidates) if (text.startsWith(name, start)) return value
    return undefined
  }
}

const shapeOf = (firstCode: number, length: number): number => (firstCode < 128 ? length * 128 + firstCode : -1)
