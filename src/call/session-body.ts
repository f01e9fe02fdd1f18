/** The SDP of a body that may hold other things as well (RFC 3261 7.4.1, RFC 5621). */
import { TelephonyError } from '../base/errors.js'
import type { SipBody } from '../sip/types.js'
import { parseParams, unquote } from '../sip/uri/params.js'

export const SDP = 'application/sdp'
/** Real ones have two or three: SDP, ISUP, a location. */
const MAX_PARTS = 16
/** multipart/mixed with a multipart/alternative in it. */
const MAX_DEPTH = 3
/** RFC 2046 5.1.1 */
const MAX_BOUNDARY = 70

/** Throws NO_COMMON_CODEC where there is no SDP in it. */
export function sdpOf(body: SipBody): string {
  const found = find(body, 1)
  if (found !== undefined) return found
  throw new TelephonyError('NO_COMMON_CODEC', `no SDP in a body of type ${body.contentType.slice(0, 64)}`)
}

function find({ contentType, content }: SipBody, depth: number): string | undefined {
  const type = contentType.split(';')[0]?.trim().toLowerCase() ?? ''
  if (type === SDP) return content
  if (!type.startsWith('multipart/') || depth > MAX_DEPTH) return undefined
  for (const part of partsOf(contentType, content)) {
    const found = find(part, depth + 1)
    if (found !== undefined) return found
  }
  return undefined
}

/** RFC 2046 5.1.1: what stands before the first delimiter and after the last one is for nobody. */
function partsOf(contentType: string, content: string): SipBody[] {
  const [, parameters = ''] = /^[^;]*(;.*)$/s.exec(contentType) ?? []
  const name = unquote(parseParams(parameters)?.get('boundary') ?? '')
  if (name === '' || name.length > MAX_BOUNDARY) return []
  const sections = `\r\n${content}`.split(`\r\n--${name}`).slice(1)
  const parts: SipBody[] = []
  for (const section of sections) {
    if (section.startsWith('--') || parts.length === MAX_PARTS) break
    const part = readPart(section)
    if (part) parts.push(part)
  }
  return parts
}

function readPart(section: string): SipBody | undefined {
  const start = section.indexOf('\r\n')
  // No header at all: the blank line follows the delimiter at once.
  const blank = section.indexOf('\r\n\r\n', start)
  if (start < 0 || blank < 0) return undefined
  const head = section.slice(start, blank).replace(/\r\n[ \t]+/g, ' ')
  const type = /\r\ncontent-type\s*:\s*([^\r\n]*)/i.exec(head)?.[1] ?? 'text/plain'
  const encoding = /\r\ncontent-transfer-encoding\s*:\s*([^\r\n]*)/i.exec(head)?.[1]?.trim().toLowerCase()
  // RFC 3261 7.4.1: SIP carries octets as they are; base64 in it has never been met.
  if (encoding === 'base64' || encoding === 'quoted-printable') return undefined
  return { contentType: type, content: withLastBreak(section.slice(blank + 4)) }
}

/** The line break before a delimiter belongs to the delimiter; SDP's last line wants its own. */
const withLastBreak = (text: string): string => (text === '' || text.endsWith('\n') ? text : `${text}\r\n`)
