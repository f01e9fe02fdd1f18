/** Finds the SDP in a body that may have several parts (RFC 3261 7.4.1, RFC 5621). */
import { TelephonyError } from '../base/errors.js'
import type { SipBody } from '../sip/types.js'
import { parseParams, unquote } from '../sip/uri/params.js'

export const SDP = 'application/sdp'
/** Real bodies have two or three parts: SDP, ISUP, a location. */
const MAX_PARTS = 16
/** For multipart/alternative within multipart/mixed, and one level more. */
const MAX_DEPTH = 3
/** RFC 2046 5.1.1 */
const MAX_BOUNDARY = 70

/** Throws NO_COMMON_CODEC for a body without SDP. */
export function sdpOf(body: SipBody): string {
  const found = body.contentType === SDP ? body.content : find(body, 1)
  if (found !== undefined) return found
  throw new TelephonyError(
    'NO_COMMON_CODEC',
    `the peer sent a body of type ${body.contentType.slice(0, 64)} without SDP`,
  )
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

/** RFC 2046 5.1.1: text before the first and after the last delimiter is ignored. CR or LF alone count as line breaks too. */
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

/** In a part without headers the blank line follows the delimiter directly. */
const BLANK_LINE = /\r\n[ \t]*\r\n|\n[ \t]*\n|\r[ \t]*\r/

function readPart(section: string): SipBody | undefined {
  const blank = BLANK_LINE.exec(section)
  if (!blank) return undefined
  const head = section.slice(0, blank.index).replace(/[\r\n]+[ \t]+/g, ' ')
  const type = /[\r\n]content-type[ \t]*:([^\r\n]*)/i.exec(head)?.[1]?.trim() ?? 'text/plain'
  const encoding = /[\r\n]content-transfer-encoding[ \t]*:([^\r\n]*)/i.exec(head)?.[1]?.trim().toLowerCase()
  // RFC 3261 7.4.1: SIP transports octets unencoded, so these encodings do not occur.
  if (encoding === 'base64' || encoding === 'quoted-printable') return undefined
  return { contentType: type, content: withLastBreak(section.slice(blank.index + blank[0].length)) }
}

/** The line break before a delimiter belongs to the delimiter, so the last SDP line needs a new one. */
const withLastBreak = (text: string): string => (text === '' || text.endsWith('\n') ? text : `${text}\r\n`)
