/**
 * Octets as text, and back to the same octets. RFC 3261 25.1 wants UTF-8, but gateways write names in ISO 8859-1. An octet that is not
 * UTF-8 becomes a lone surrogate, U+DC80 to U+DCFF, which no UTF-8 text holds. Inside of the SIP layer text has these; the wire gets the
 * octet back, and the layers above get a letter.
 */
import { isAscii, isUtf8 } from 'node:buffer'

/** With the flag u this matches none of the surrogates that form a pair. */
const STRAY = /[\udc80-\udcff]/gu
const STRAY_RUN = /([\udc80-\udcff]+)/u
const STRAY_BASE = 0xdc00

export function textOf(bytes: Buffer, start = 0, end = bytes.length): string {
  // Most messages are ASCII as a whole, and a view of a part costs more than to look at all of it.
  if (isAscii(bytes)) return bytes.toString('latin1', start, end)
  const part = bytes.subarray(start, end)
  return isUtf8(part) ? part.toString('utf8') : mixedText(part)
}

export function octetsOf(text: string): Buffer {
  if (text.isWellFormed()) return Buffer.from(text)
  const [first = '', ...others] = text.split(STRAY_RUN)
  // Every second part is a run of stray octets.
  const parts = others.map((part, index) => (index % 2 === 0 ? Buffer.from(part, 'latin1') : Buffer.from(part)))
  return Buffer.concat([Buffer.from(first), ...parts])
}

/** For Content-Length (RFC 3261 20.14). */
export const octetLength = (text: string): number =>
  Buffer.byteLength(text) - (text.isWellFormed() ? 0 : 2 * (text.match(STRAY)?.length ?? 0))

/** Text for people: stray octets as letters of Windows-1252, which has all letters of ISO 8859-1 and no control characters. */
export const readable = (text: string): string => (text.isWellFormed() ? text : text.replace(STRAY, letterOf))

/** Text that was written here and not received: what UTF-8 cannot hold must not become a stray octet. */
export const wellFormed = (text: string): string => text.toWellFormed()

/** Windows-1252, 80 to 9F. */
const LETTERS_80 = '€\ufffd‚ƒ„…†‡ˆ‰Š‹Œ\ufffdŽ\ufffd\ufffd‘’“”•–—˜™š›œ\ufffdžŸ'

function letterOf(stray: string): string {
  const octet = stray.charCodeAt(0) - STRAY_BASE
  return octet < 0xa0 ? (LETTERS_80[octet - 0x80] ?? '\ufffd') : String.fromCharCode(octet)
}

function mixedText(bytes: Buffer): string {
  let text = ''
  let start = 0
  let at = 0
  while (at < bytes.length) {
    const size = sequenceSize(bytes, at)
    if (size === 0) {
      text += bytes.toString('utf8', start, at) + String.fromCharCode(STRAY_BASE + (bytes[at] ?? 0))
      start = at + 1
    }
    at += size || 1
  }
  return text + bytes.toString('utf8', start)
}

/** Octets of the UTF-8 sequence that begins here (RFC 3629 3); 0: none does. */
function sequenceSize(bytes: Buffer, at: number): number {
  const lead = bytes[at] ?? 0
  if (lead < 0x80) return 1
  const size = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
  return at + size <= bytes.length && isUtf8(bytes.subarray(at, at + size)) ? size : 0
}
