import { skipBlanks, tokenEnd, trimmed } from './characters.js'

/**
 * Parameters of a URI or a header: `;name=value;flag`, in their order, names in lower case. A value with quotes keeps them. Of several
 * with one name the first counts. A list, because most have one or two.
 */
export class Params {
  /** Name, value, name, value … */
  readonly #list: readonly (string | undefined)[]

  constructor(list: readonly (string | undefined)[]) {
    this.#list = list
  }

  has(name: string): boolean {
    return this.#indexOf(name) >= 0
  }

  /** Undefined: no parameter of this name, or one without a value. */
  get(name: string): string | undefined {
    const at = this.#indexOf(name)
    return at < 0 ? undefined : this.#list[at + 1]
  }

  *[Symbol.iterator](): Generator<[name: string, value: string | undefined]> {
    for (let at = 0; at < this.#list.length; at += 2) yield [this.#list[at] ?? '', this.#list[at + 1]]
  }

  #indexOf(name: string): number {
    for (let at = 0; at < this.#list.length; at += 2) if (this.#list[at] === name) return at
    return -1
  }
}

export const NO_PARAMS = new Params([])

/**
 * Parses `;a=b ; c="d;e"`, from the semicolon at `start` to `end`. Undefined where the text is malformed, e.g. `;;` or an open quote
 * (RFC 4475 3.1.2.1, 3.1.2.6).
 */
export function parseParams(text: string, start = 0, end = text.length): Params | undefined {
  if (start === end) return NO_PARAMS
  const list: (string | undefined)[] = []
  const hasQuotes = text.includes('"', start)
  let at = start
  while (at < end) {
    if (text.charCodeAt(at) !== SEMICOLON) return undefined
    const next = hasQuotes ? endOfParam(text, at + 1, end) : nextSemicolon(text, at + 1, end)
    if (next < 0 || !addParam(list, text, at + 1, next)) return undefined
    at = next
  }
  return new Params(list)
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

function addParam(list: (string | undefined)[], text: string, start: number, end: number): boolean {
  const nameStart = skipBlanks(text, start)
  const nameEnd = tokenEnd(text, nameStart)
  const next = skipBlanks(text, nameEnd)
  if (nameEnd === nameStart || (next < end && text.charCodeAt(next) !== EQUALS)) {
    return addOddParam(list, text.slice(start, end))
  }
  const value = next < end ? trimmed(text, next + 1, end) : undefined
  list.push(text.slice(nameStart, nameEnd).toLowerCase(), value)
  return true
}

/** Names with letters beyond a token are tolerated. */
function addOddParam(list: (string | undefined)[], text: string): boolean {
  const equals = text.indexOf('=')
  const name = trimmed(equals < 0 ? text : text.slice(0, equals))
  if (name === '' || /[\s"<>]/.test(name)) return false
  list.push(name.toLowerCase(), equals < 0 ? undefined : trimmed(text.slice(equals + 1)))
  return true
}
