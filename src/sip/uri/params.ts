import { skipBlanks, tokenEnd, trimmed } from './characters.js'
import { KnownNames } from './known-names.js'

interface Param {
  readonly name: string
  readonly value: string | undefined
  next: Param | undefined
}

/**
 * Parameters of a URI or a header: `;name=value;flag`, in their order, names in lower case. A value with quotes keeps them. Of several
 * with one name the first counts. A chain, because most have one or two.
 */
export class Params {
  readonly #first: Param | undefined

  constructor(first: Param | undefined) {
    this.#first = first
  }

  has(name: string): boolean {
    return this.#find(name) !== undefined
  }

  /** Undefined: no parameter of this name, or one without a value. */
  get(name: string): string | undefined {
    return this.#find(name)?.value
  }

  /** As they are written, but for these names. */
  textWithout(names: ReadonlySet<string>): string {
    let text = ''
    for (let each = this.#first; each; each = each.next) {
      if (names.has(each.name)) continue
      text += each.value === undefined ? `;${each.name}` : `;${each.name}=${each.value}`
    }
    return text
  }

  *[Symbol.iterator](): Generator<[name: string, value: string | undefined]> {
    for (let each = this.#first; each; each = each.next) yield [each.name, each.value]
  }

  #find(name: string): Param | undefined {
    let each = this.#first
    while (each && each.name !== name) each = each.next
    return each
  }
}

export const NO_PARAMS = new Params(undefined)

/**
 * Parses `;a=b ; c="d;e"`, from the semicolon at `start` to `end`. Undefined where the text is malformed, e.g. `;;` or an open quote
 * (RFC 4475 3.1.2.1, 3.1.2.6).
 */
export function parseParams(text: string, start = 0, end = text.length): Params | undefined {
  if (start === end) return NO_PARAMS
  const hasQuotes = text.includes('"', start)
  let first: Param | undefined
  let last: Param | undefined
  let at = start
  while (at < end) {
    if (text.charCodeAt(at) !== SEMICOLON) return undefined
    const next = hasQuotes ? endOfParam(text, at + 1, end) : nextSemicolon(text, at + 1, end)
    const param = next < 0 ? undefined : paramOf(text, at + 1, next)
    if (!param) return undefined
    if (last) last.next = param
    else first = param
    last = param
    at = next
  }
  return new Params(first)
}

function nextSemicolon(text: string, from: number, end: number): number {
  const at = text.indexOf(';', from)
  return at < 0 || at > end ? end : at
}

const SEMICOLON = 0x3b
const QUOTE = 0x22
const BACKSLASH = 0x5c
const EQUALS = 0x3d

/** The content of a quoted string; any other text as it is. */
export function unquote(value: string): string {
  if (value.length < 2 || !value.startsWith('"') || !value.endsWith('"')) return value
  const content = value.slice(1, -1)
  return content.includes('\\') ? content.replace(/\\([\s\S])/g, '$1') : content
}

/** Index of the next semicolon outside quotes, or the end; -1 where a quote stays open. */
function endOfParam(text: string, from: number, end: number): number {
  let quoted = false
  for (let at = from; at < end; at++) {
    const code = text.charCodeAt(at)
    if (quoted && code === BACKSLASH) at++
    else if (code === QUOTE) quoted = !quoted
    else if (code === SEMICOLON && !quoted) return at
  }
  return quoted ? -1 : end
}

const KNOWN = new KnownNames(
  ['tag', 'branch', 'rport', 'received', 'lr', 'transport', 'expires', 'q', 'user', 'ob'].map((name) => [name, name]),
)

function paramOf(text: string, start: number, end: number): Param | undefined {
  const nameStart = skipBlanks(text, start)
  const nameEnd = tokenEnd(text, nameStart)
  const next = skipBlanks(text, nameEnd)
  if (nameEnd === nameStart || (next < end && text.charCodeAt(next) !== EQUALS)) {
    return oddParam(text.slice(start, end))
  }
  const name = KNOWN.find(text, nameStart, nameEnd) ?? text.slice(nameStart, nameEnd).toLowerCase()
  return { name, value: next < end ? trimmed(text, next + 1, end) : undefined, next: undefined }
}

/** Names with letters beyond a token are tolerated. */
function oddParam(text: string): Param | undefined {
  const equals = text.indexOf('=')
  const name = trimmed(equals < 0 ? text : text.slice(0, equals)).toLowerCase()
  if (name === '' || /[\s"<>]/.test(name)) return undefined
  return { name, value: equals < 0 ? undefined : trimmed(text.slice(equals + 1)), next: undefined }
}
