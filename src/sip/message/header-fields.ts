import { splitList } from './list.js'

/** RFC 3261 7.3.3 and the registry of compact forms. */
const COMPACT = new Map([
  ['a', 'accept-contact'],
  ['b', 'referred-by'],
  ['c', 'content-type'],
  ['d', 'request-disposition'],
  ['e', 'content-encoding'],
  ['f', 'from'],
  ['i', 'call-id'],
  ['j', 'reject-contact'],
  ['k', 'supported'],
  ['l', 'content-length'],
  ['m', 'contact'],
  ['o', 'event'],
  ['r', 'refer-to'],
  ['s', 'subject'],
  ['t', 'to'],
  ['u', 'allow-events'],
  ['v', 'via'],
  ['x', 'session-expires'],
  ['y', 'identity'],
])

/** Several values may share a line and mean the same as lines of their own. */
const LISTS = new Set(['via', 'route', 'record-route', 'contact', 'path', 'service-route', 'reason'])

const SPELLING = new Map([
  ['call-id', 'Call-ID'],
  ['cseq', 'CSeq'],
  ['mime-version', 'MIME-Version'],
  ['min-se', 'Min-SE'],
  ['rack', 'RAck'],
  ['rseq', 'RSeq'],
  ['sip-etag', 'SIP-ETag'],
  ['sip-if-match', 'SIP-If-Match'],
  ['www-authenticate', 'WWW-Authenticate'],
])

/** The long form in lower case. */
export function headerKey(name: string): string {
  const key = name.toLowerCase()
  return key.length === 1 ? (COMPACT.get(key) ?? key) : key
}

/** As it is usually written: `Content-Type`. */
export const headerSpelling = (key: string): string =>
  SPELLING.get(key) ?? key.replace(/(^|-)([a-z])/g, (_, dash: string, letter: string) => dash + letter.toUpperCase())

/** The header fields of one message. A Map, so that no name (`__proto__`, `constructor`) means anything but itself. */
export class HeaderFields {
  readonly #values = new Map<string, string[]>()
  #count = 0

  /** Values so far, those that shared a line counted each. */
  get count(): number {
    return this.#count
  }

  add(name: string, value: string): void {
    const key = headerKey(name)
    const added = LISTS.has(key) ? splitList(value) : [value]
    this.#count += added.length
    const present = this.#values.get(key)
    if (present) present.push(...added)
    else this.#values.set(key, added)
  }

  first(name: string): string | undefined {
    return this.#values.get(headerKey(name))?.[0]
  }

  all(name: string): readonly string[] {
    return this.#values.get(headerKey(name)) ?? []
  }

  set(name: string, values: readonly string[]): void {
    this.#values.set(headerKey(name), [...values])
  }

  entries(): IterableIterator<[key: string, values: readonly string[]]> {
    return this.#values.entries()
  }
}
