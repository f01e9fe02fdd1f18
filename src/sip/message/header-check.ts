import { TelephonyError } from '../../base/errors.js'
import { wellFormed } from '../../base/octets.js'
import type { HeaderField } from '../types.js'
import { headerKey } from './header-fields.js'

const NAME = /^[\w!%*.+`'~-]{1,64}$/
/** Everything that some reader takes for the end of a line, and NUL. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is its purpose
const LINE_BREAKERS = /[\r\n\u0000\u000b\u000c\u0085\u2028\u2029]/

/** The layer writes these itself; a second one would contradict it. */
const OURS = new Set([
  'via',
  'from',
  'to',
  'call-id',
  'cseq',
  'max-forwards',
  'route',
  'record-route',
  'content-length',
  'content-type',
  'user-agent',
])

/** A text that goes into a line of a message unchanged. Throws BAD_HEADER where it could start another line. */
export function checkText(what: string, text: string): string {
  if (LINE_BREAKERS.test(text)) throw new TelephonyError('BAD_HEADER', `${what} must not contain line breaks or NUL`)
  return text
}

/** The same for messages that make or keep up a dialog, whose Contact is ours too (RFC 3261 12.1). */
export function dialogHeaderLines(headers: readonly HeaderField[] | undefined): string[] {
  if (headers?.some(([name]) => headerKey(name) === 'contact')) {
    throw new TelephonyError('BAD_HEADER', 'Contact is written by the SIP layer itself')
  }
  return headerLines(headers)
}

/** Header fields from above as lines: `Name: value`. Throws BAD_HEADER. */
export function headerLines(headers: readonly HeaderField[] | undefined): string[] {
  return (headers ?? []).map(([name, value]) => {
    if (!NAME.test(name)) throw new TelephonyError('BAD_HEADER', `${JSON.stringify(name)} is not a valid header name`)
    if (OURS.has(headerKey(name))) throw new TelephonyError('BAD_HEADER', `${name} is written by the SIP layer itself`)
    return `${name}: ${wellFormed(checkText(`header ${name}`, value))}`
  })
}
