/** Sets of IP addresses and CIDR blocks. An address costs a few look-ups, however many blocks there are. */
import { isIPv4, isIPv6 } from 'node:net'

/** The leading bits that all addresses of a block share, as text, behind the family: `4:11000000` is 192.0.0.0/8. */
interface Block {
  key: string
  /** Number of shared bits. */
  length: number
  family: 4 | 6
}

/** Undefined where the text is neither an address nor a block like `192.0.2.0/24`. */
export function parseBlock(text: string): Block | undefined {
  const [address = '', written, ...rest] = text.trim().split('/')
  const found = bitsOf(address)
  if (!found || rest.length > 0) return undefined
  const { bits, family, offset } = found
  if (written !== undefined && !/^\d{1,3}$/.test(written)) return undefined
  const length = written === undefined ? bits.length : Number(written) - offset
  return length >= 0 && length <= bits.length ? { key: keyOf(family, bits, length), length, family } : undefined
}

/** Forged source addresses may be any number. */
const MAX_FOUND = 256

/** The same block may be added several times; it is there until it has been deleted as often. */
export class AddressSet {
  readonly #counts = new Map<string, number>()
  /** How many blocks there are of each length: `#lengths[4]` has the IPv4 ones. */
  readonly #lengths = { 4: new Map<number, number>(), 6: new Map<number, number>() }

  /** What `has` has found, because each request of a peer asks for the same address. */
  readonly #found = new Map<string, boolean>()

  /** An address or a block; any other text is ignored. */
  add(text: string): void {
    this.#found.clear()
    const block = parseBlock(text)
    if (!block) return
    count(this.#counts, block.key, 1)
    count(this.#lengths[block.family], block.length, 1)
  }

  delete(text: string): void {
    this.#found.clear()
    const block = parseBlock(text)
    if (!block || !this.#counts.has(block.key)) return
    count(this.#counts, block.key, -1)
    count(this.#lengths[block.family], block.length, -1)
  }

  has(address: string): boolean {
    let found = this.#found.get(address)
    if (found === undefined) {
      found = this.#find(address)
      if (this.#found.size >= MAX_FOUND) this.#found.clear()
      this.#found.set(address, found)
    }
    return found
  }

  #find(address: string): boolean {
    const found = this.#counts.size > 0 && bitsOf(address)
    if (!found) return false
    const { family, bits } = found
    for (const length of this.#lengths[family].keys()) {
      if (this.#counts.has(keyOf(family, bits, length))) return true
    }
    return false
  }
}

const keyOf = (family: 4 | 6, bits: string, length: number): string => `${family}:${bits.slice(0, length)}`

function count<Key>(counts: Map<Key, number>, key: Key, by: 1 | -1): void {
  const left = (counts.get(key) ?? 0) + by
  if (left > 0) counts.set(key, left)
  else counts.delete(key)
}

/** `offset`: how many bits an IPv4 address in IPv6 notation (RFC 4291 2.5.5.2) has in front of its own. */
function bitsOf(text: string): { family: 4 | 6; bits: string; offset: number } | undefined {
  if (isIPv4(text)) return { family: 4, bits: bitsOfIPv4(text), offset: 0 }
  const address = text.replace(/%.*$/, '') // RFC 4007 11: the zone is not part of the address
  if (!isIPv6(address)) return undefined
  const bits = groupsOf(address)
    .map((group) => group.toString(2).padStart(16, '0'))
    .join('')
  return bits.startsWith(MAPPED)
    ? { family: 4, bits: bits.slice(MAPPED.length), offset: MAPPED.length }
    : { family: 6, bits, offset: 0 }
}

const MAPPED = '0'.repeat(80) + '1'.repeat(16)

/** The bits of each octet, made once: this runs for every request. */
const OCTETS = Array.from({ length: 256 }, (_, octet) => octet.toString(2).padStart(8, '0'))

const bitsOfIPv4 = (address: string): string =>
  address
    .split('.')
    .map((octet) => OCTETS[Number(octet)])
    .join('')

/** The eight numbers of an IPv6 address. */
function groupsOf(address: string): number[] {
  const hex = address.replace(/[\d.]+$/, (ipv4) => {
    if (!ipv4.includes('.')) return ipv4
    const [a = 0, b = 0, c = 0, d = 0] = ipv4.split('.').map(Number)
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
  })
  const [head = '', tail = ''] = hex.split('::', 2)
  const read = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16))
  const [first, last] = [read(head), read(tail)]
  return [...first, ...Array<number>(8 - first.length - last.length).fill(0), ...last]
}
