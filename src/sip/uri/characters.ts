/**
 * Characters by their code: a table look-up per character costs less than a regular expression per value. Nothing here reads behind the end
 * of a text: V8 calls a function for each character from then on.
 */

const SPACE = 0x20
const TAB = 0x09

function tableOf(characters: string): Uint8Array {
  const table = new Uint8Array(128)
  for (let at = 0; at < characters.length; at++) table[characters.charCodeAt(at)] = 1
  return table
}

const DIGITS = '0123456789'
const ALPHANUMERIC = `abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ${DIGITS}`

/** RFC 3261 25.1: token. */
const TOKEN = tableOf(`${ALPHANUMERIC}_-.!%*+\`'~`)
/** RFC 3986 3.1 */
const SCHEME = tableOf(`${ALPHANUMERIC}+.-`)
/** Host names have no underscore (RFC 1123 2.1), but machines with one in their names exist. */
const HOST_NAME = tableOf(`${ALPHANUMERIC}._-`)
const IPV6 = tableOf(`${DIGITS}abcdefABCDEF:.`)

/** Index of the first character from `at` on that is not in the table, or `end`. */
function skip(table: Uint8Array, text: string, at: number, end: number): number {
  let next = at
  while (next < end && table[text.charCodeAt(next)] === 1) next++
  return next
}

/** SP and HTAB only (RFC 3261 25.1 LWS): blanks of Unicode would let two readers see two values. */
export const isBlank = (code: number): boolean => code === SPACE || code === TAB

export function skipBlanks(text: string, at: number): number {
  let next = at
  while (next < text.length && isBlank(text.charCodeAt(next))) next++
  return next
}

/** Whether the character with this code stands at `at`. */
export const isAt = (text: string, at: number, code: number): boolean =>
  at < text.length && text.charCodeAt(at) === code

/** The part from `start` to `end` without blanks at both ends. */
export function trimmed(text: string, start = 0, end = text.length): string {
  let from = start
  let to = end
  while (from < to && isBlank(text.charCodeAt(from))) from++
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--
  return text.slice(from, to)
}

export const tokenEnd = (text: string, at: number): number => skip(TOKEN, text, at, text.length)

export const isToken = (text: string): boolean => text !== '' && tokenEnd(text, 0) === text.length

/** Index of the colon after the scheme that `text` begins with, or -1. */
export function schemeEnd(text: string): number {
  const first = text.charCodeAt(0) | 0x20
  if (!(first >= 0x61 && first <= 0x7a)) return -1
  const end = skip(SCHEME, text, 1, Math.min(text.length, MAX_SCHEME))
  return isAt(text, end, COLON) ? end : -1
}

const MAX_SCHEME = 32
const COLON = 0x3a

/** Most texts are in lower case already, and need no copy. */
export function lowerCase(text: string): string {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if ((code >= 0x41 && code <= 0x5a) || code > 0x7f) return text.toLowerCase()
  }
  return text
}

/** Index after the host name, IPv4 address or IPv6 reference at `at`; `at` itself without one. */
export function hostEnd(text: string, at: number): number {
  if (!isAt(text, at, OPEN)) return skip(HOST_NAME, text, at, text.length)
  const close = skip(IPV6, text, at + 1, text.length)
  return close > at + 1 && isAt(text, close, CLOSE) ? close + 1 : at
}

const OPEN = 0x5b
const CLOSE = 0x5d

/** The number from `start` to `end`; -1 where that is not 1 to `maxDigits` digits. */
export function numberIn(text: string, start: number, end: number, maxDigits: number): number {
  if (end <= start || end - start > maxDigits) return -1
  let value = 0
  for (let at = start; at < end; at++) {
    const digit = text.charCodeAt(at) - 0x30
    if (!(digit >= 0 && digit <= 9)) return -1
    value = value * 10 + digit
  }
  return value
}
