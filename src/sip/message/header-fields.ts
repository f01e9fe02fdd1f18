import { KnownNames } from '../uri/known-names.js'
import { MAX_HEADER_VALUES } from './limits.js'
import { splitListUpTo } from './list.js'

/** RFC 3261 7.3.3 and the registry of compact forms. */
const COMPACT: Readonly<Record<string, string>> = {
  a: 'accept-contact',
  b: 'referred-by',
  c: 'content-type',
  d: 'request-disposition',
  e: 'content-encoding',
  f: 'from',
  i: 'call-id',
  j: 'reject-contact',
  k: 'supported',
  l: 'content-length',
  m: 'contact',
  o: 'event',
  r: 'refer-to',
  s: 'subject',
  t: 'to',
  u: 'allow-events',
  v: 'via',
  x: 'session-expires',
  y: 'identity',
}

/** Several values may share a line and mean the same as lines of their own. */
const LISTS: ReadonlySet<string> = new Set([
  'via',
  'route',
  'record-route',
  'contact',
  'path',
  'service-route',
  'reason',
])

/** The parser refuses a message with so many values: further ones are not looked at. */
const MAX_PARTS = MAX_HEADER_VALUES + 1

/** Spellings other than a capital at the start of each word. */
const SPELLING: Readonly<Record<string, string>> = {
  'call-id': 'Call-ID',
  cseq: 'CSeq',
  'mime-version': 'MIME-Version',
  'min-se': 'Min-SE',
  rack: 'RAck',
  rseq: 'RSeq',
  'sip-etag': 'SIP-ETag',
  'sip-if-match': 'SIP-If-Match',
  'www-authenticate': 'WWW-Authenticate',
}

/** Frequent names without a compact form. */
const FREQUENT = [
  ...['accept', 'allow', 'authorization', 'content-disposition', 'date', 'expires', 'max-forwards', 'min-expires'],
  ...['p-asserted-identity', 'proxy-authenticate', 'proxy-authorization', 'reason', 'record-route', 'require'],
  ...['retry-after', 'route', 'server', 'timestamp', 'user-agent', ...Object.keys(SPELLING)],
]

/** Known headers by their names as they are usually written, and in lower case. */
const KEYS = new Map<string, string>()
for (const key of [...Object.values(COMPACT), ...FREQUENT]) KEYS.set(key, key).set(spell(key), key)
for (const [letter, key] of Object.entries(COMPACT)) KEYS.set(letter, key)

const KNOWN = new KnownNames(KEYS)

/** The key of a known header whose name, written as usual, stands from `start` to `end`. */
export const usualKey = (text: string, start: number, end: number): string | undefined => KNOWN.find(text, start, end)

/** The long form in lower case. */
export function headerKey(name: string): string {
  const known = KEYS.get(name)
  if (known !== undefined) return known
  const lower = name.toLowerCase()
  return KEYS.get(lower) ?? lower
}

/** As it is usually written: `Content-Type`. */
export const headerSpelling = (key: string): string => spell(key)

function spell(key: string): string {
  if (Object.hasOwn(SPELLING, key)) return SPELLING[key] ?? key
  return key.replace(/(^|-)([a-z])/g, (_, dash: string, letter: string) => dash + letter.toUpperCase())
}

/**
 * The header fields of one message: every value, in the order in which the lines came. Two lists, because a message has about twelve
 * values, and so that a name (`__proto__`, `constructor`) means itself only.
 */
export class HeaderFields {
  #keys: string[] = []
  #values: string[] = []

  /** Values so far, those that shared a line counted each. */
  get count(): number {
    return this.#keys.length
  }

  add(name: string, value: string): void {
    this.addKey(headerKey(name), value)
  }

  /** The same for a name that is known as its key. */
  addKey(key: string, value: string): void {
    if (LISTS.has(key) && value.includes(',')) for (const part of splitListUpTo(value, MAX_PARTS)) this.#push(key, part)
    else this.#push(key, value)
  }

  /** By position, 0 to count - 1. */
  keyAt(at: number): string {
    return this.#keys[at] ?? ''
  }

  valueAt(at: number): string {
    return this.#values[at] ?? ''
  }

  first(name: string): string | undefined {
    const at = this.#keys.indexOf(headerKey(name))
    return at < 0 ? undefined : this.#values[at]
  }

  all(name: string): readonly string[] {
    const key = headerKey(name)
    const found: string[] = []
    for (let at = this.#keys.indexOf(key); at >= 0; at = this.#keys.indexOf(key, at + 1)) {
      found.push(this.#values[at] ?? '')
    }
    return found
  }

  /** The new values stand where the first of the old ones stood, or at the end. */
  set(name: string, values: readonly string[]): void {
    const key = headerKey(name)
    const first = this.#keys.indexOf(key)
    const before = first < 0 ? this.#keys.length : first
    const old = this.#keys.map((each, at): [string, string] => [each, this.#values[at] ?? ''])
    const added = values.map((value): [string, string] => [key, value])
    const kept = old.slice(before).filter(([each]) => each !== key)
    const all = [...old.slice(0, before), ...added, ...kept]
    this.#keys = all.map(([each]) => each)
    this.#values = all.map(([, value]) => value)
  }

  /** Of a header that has a value. */
  replaceFirst(name: string, value: string): void {
    this.#values[this.#keys.indexOf(headerKey(name))] = value
  }

  delete(name: string): void {
    this.set(name, [])
  }

  /** In order; keys are long forms in lower case. */
  *entries(): Generator<[key: string, value: string]> {
    for (let at = 0; at < this.#keys.length; at++) yield [this.#keys[at] ?? '', this.#values[at] ?? '']
  }

  #push(key: string, value: string): void {
    this.#keys.push(key)
    this.#values.push(value)
  }
}
