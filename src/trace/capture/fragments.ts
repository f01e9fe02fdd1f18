/** Puts fragmented IP packets together (RFC 791 3.2, RFC 8200 4.5), a bounded number at a time. */

export interface Fragment {
  key: string
  offset: number
  isLast: boolean
  octets: Buffer
}

const MAX_PACKETS = 256
const MAX_OCTETS = 65_535
const MAX_PIECES = 128

export class Fragments {
  readonly #packets = new Map<string, Fragment[]>()

  /** The whole payload when its last missing fragment has come. */
  add(fragment: Fragment): Buffer | undefined {
    const { key, offset, octets } = fragment
    if (offset + octets.length > MAX_OCTETS) return undefined
    const pieces = this.#packets.get(key) ?? []
    if (pieces.length >= MAX_PIECES) return undefined
    // A view would keep the whole chunk of the file in memory.
    pieces.push({ ...fragment, octets: Buffer.from(octets) })
    this.#packets.set(key, pieces)
    const whole = joined(pieces)
    if (whole) this.#packets.delete(key)
    else this.#dropOldest()
    return whole
  }

  #dropOldest(): void {
    for (const key of this.#packets.keys()) {
      if (this.#packets.size <= MAX_PACKETS) return
      this.#packets.delete(key)
    }
  }
}

function joined(pieces: readonly Fragment[]): Buffer | undefined {
  if (!pieces.some(({ isLast }) => isLast)) return undefined
  const parts: Buffer[] = []
  let end = 0
  for (const { offset, octets } of [...pieces].sort((a, b) => a.offset - b.offset)) {
    if (offset > end) return undefined
    const fresh = octets.subarray(end - offset)
    parts.push(fresh)
    end += fresh.length
  }
  return Buffer.concat(parts)
}
