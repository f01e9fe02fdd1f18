/** The head of a message as text: its start line in parts, its lines as header fields (RFC 3261 7). */
import { isBlank, isToken, numberIn, tokenEnd, trimmed } from '../uri/characters.js'
import { type HeaderFields, headerKey, usualKey } from './header-fields.js'
import { MAX_HEADER_VALUES } from './limits.js'
import { ParseError } from './parse-error.js'

export function splitHead(head: string): { startLine: string; headers: string } {
  const lineEnd = head.indexOf('\r\n')
  return lineEnd < 0
    ? { startLine: head, headers: '' }
    : { startLine: head.slice(0, lineEnd), headers: head.slice(lineEnd + 2) }
}

const STATUS_AT = 'SIP/2.0 '.length
export const REASON_AT = 'SIP/2.0 200 '.length

/** Undefined: not a status line. */
export function statusOf(startLine: string): number | undefined {
  if (startLine[0] !== 'S' && startLine[0] !== 's') return undefined
  if (startLine.slice(0, STATUS_AT).toUpperCase() !== 'SIP/2.0 ' || hasLineBreak(startLine)) return undefined
  const status = numberIn(startLine, STATUS_AT, REASON_AT - 1, 3)
  const ends = startLine.length === REASON_AT - 1 || startLine[REASON_AT - 1] === ' '
  return status >= 100 && status <= 699 && ends ? status : undefined
}

export function methodOf(startLine: string): string | undefined {
  const end = tokenEnd(startLine, 0)
  return end > 0 && (end === startLine.length || startLine[end] === ' ') ? startLine.slice(0, end) : undefined
}

/** RFC 3261 7.1: three parts with one space between them. */
export function requestLine(startLine: string): { uri: string; version: string } | undefined {
  const uriStart = startLine.indexOf(' ') + 1
  const uriEnd = startLine.lastIndexOf(' ')
  if (uriEnd <= uriStart) return undefined
  const uri = startLine.slice(uriStart, uriEnd)
  const protocol = startLine.slice(uriEnd + 1)
  const version = protocol === 'SIP/2.0' ? '2.0' : /^SIP\/(\d+\.\d+)$/i.exec(protocol)?.[1]
  return version === undefined || /\s/.test(uri) ? undefined : { uri, version }
}

/** Lines into fields; the fields before a broken line are still there for the answer. */
export function parseHeaders(text: string, fields: HeaderFields): void {
  let at = 0
  while (at < text.length) {
    const cr = text.indexOf('\r', at)
    const lf = text.indexOf('\n', at)
    // The usual line: no line break but that at its end, and no blank behind it.
    const isPlain = cr < 0 ? lf < 0 : lf === cr + 1 && !isBlank(text.charCodeAt(lf + 1))
    const end = isPlain ? (cr < 0 ? text.length : cr) : endOfField(text, at)
    const colon = text.indexOf(':', at)
    const key = colon < 0 || colon > end ? '' : (usualKey(text, at, colon) ?? unusualKey(trimmed(text, at, colon)))
    if (key === '') throw new ParseError('Malformed header line')
    fields.addKey(key, isPlain ? trimmed(text, colon + 1, end) : unfolded(text.slice(colon + 1, end)))
    if (fields.count > MAX_HEADER_VALUES) throw new ParseError('Too many header fields')
    at = end + 2
  }
}

const unusualKey = (name: string): string => (isToken(name) ? headerKey(name) : '')

/** RFC 3261 7.3.1: a line that starts with white space continues the one before. */
function endOfField(text: string, from: number): number {
  let end = text.indexOf('\r\n', from)
  while (end >= 0 && isBlank(text.charCodeAt(end + 2))) end = text.indexOf('\r\n', end + 2)
  return end < 0 ? text.length : end
}

function unfolded(value: string): string {
  const text = value.replace(/\r\n[ \t]+/g, ' ')
  // Our answers repeat some of these values: nothing in them may look like a line to a lenient reader.
  if (hasLineBreak(text)) throw new ParseError('Stray line break in a header')
  return trimmed(text)
}

const hasLineBreak = (text: string): boolean => text.includes('\n') || text.includes('\r')
