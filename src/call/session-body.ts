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

/** RFC 2046 5.1.1: what stands before the first delimiter and after the last one is not read. CR or LF alone are taken for line breaks too. */
function partsOf(contentType: string, content: string): SipBody[] {
  const [, parameters = ''] = /^[^;]*(;.*)$/s.exec(contentType) ?? []
  const name = unquote(parseParams(parameters)?.get('boundary') ?? '')
  if (name === '' || name.length > MAX_BOUNDARY) return []
  const sections = `\n${content}`.split(new RegExp(`(?:\r\n|\n|\r)--${literally(name)}`, 'u')).slice(1)
  const parts: SipBody[] = []
  for (const section of sections) {
    if (section.startsWith('--') || parts.length === MAX_PARTS) break
    const part = readPart(section)
    if (part) parts.push(part)
  }
  return parts
}

const literally = (text: string): string =>
  text.replace(/[^\w ]/g, (sign) => `\\u{${sign.codePointAt(0)?.toString(16)}}`)

/** A part without any header has its blank line right behind the delimiter. */
const BLANK_LINE = /\r\n[ \t]*\r\n|\n[ \t]*\n|\r[ \t]*\r/

function readPart(section: string): SipBody | undefined {
  const blank = BLANK_LINE.exec(section)
  if (!blank) return undefined
  const head = section.slice(0, blank.index).replace(/[\r\n]+[ \t]+/g, ' ')
  const type = /[\r\n]content-type[ \t]*:([^\r\n]*)/i.exec(head)?.[1]?.trim() ?? 'text/plain'
  const encoding = /[\r\n]content-transfer-encoding[ \t]*:([^\r\n]*)/i.exec(head)?.[1]?.trim().toLowerCase()
  // RFC 3261 7.4.1: SIP carries octets as they are; base64 in it has never been met.
  if (encoding === 'base64' || encoding === 'quoted-printable') return undefined
  return { contentType: type, content: withLastBreak(section.slice(blank.index + blank[0].length)) }
}

/** The line break before a delimiter belongs to the delimiter; SDP's last line wants its own. */
const withLastBreak = (text: string): string => (text === '' || text.endsWith('\n') ? text : `${text}\r\n`)
