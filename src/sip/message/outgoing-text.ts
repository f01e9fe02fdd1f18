import { parseNameAddr } from '../uri/name-addr.js'
import { parseUri, type SipUri } from '../uri/sip-uri.js'
import { splitList } from './list.js'
import { parseVia, type Via } from './via.js'

/**
 * What the router has to know of a message that core hands it as text. Core writes header names in one spelling and
 * folds nothing.
 */
export interface OutgoingText {
  text: string
  /** Goes to its Request-URI, whatever Route it has. */
  strict: boolean
  /** Undefined: a request. */
  status: number | undefined
  /** Of CSeq, so that of the request also in responses. */
  method: string
  hop: Via
  callId: string
  cseq: number
  from: string
}

/**
 * Tells the router that the Request-URI is the next hop though there is a Route: the mark of a strict router, which no
 * other part of the message gives away. It is taken out before anything is sent.
 */
export const STRICT_MARK = 'X-Strict-Route: next\r\n'

export function readOutgoing(marked: string): OutgoingText {
  const { text, strict } = withoutMark(marked)
  const hop = parseVia(headerOf(text, 'Via') ?? '')
  const [number = '', method = ''] = (headerOf(text, 'CSeq') ?? '').split(/[ \t]+/) // an answer repeats the request's blanks
  if (!hop) throw new Error('an outgoing message without Via')
  return {
    text,
    strict,
    status: text.startsWith('SIP/2.0 ') ? Number(text.slice(8, 11)) : undefined,
    method,
    hop,
    callId: headerOf(text, 'Call-ID') ?? '',
    cseq: Number(number),
    from: headerOf(text, 'From') ?? '',
  }
}

function withoutMark(text: string): { text: string; strict: boolean } {
  const lineEnd = text.indexOf('\r\n') + 2
  if (!text.startsWith(STRICT_MARK, lineEnd)) return { text, strict: false }
  return { text: text.slice(0, lineEnd) + text.slice(lineEnd + STRICT_MARK.length), strict: true }
}

/** RFC 3261 8.1.2: a loose route goes to the topmost Route, else to the Request-URI. */
export function nextHop({ text, strict }: Pick<OutgoingText, 'text' | 'strict'>): SipUri | undefined {
  const route = strict ? undefined : headerOf(text, 'Route')
  if (route === undefined) return parseUri(text.split(' ', 2)[1] ?? '')
  return parseNameAddr(splitList(route)[0] ?? '')?.sipUri
}

/** The same with another protocol in its top Via. */
export const withProtocol = (text: string, protocol: string): string =>
  text.replace(/\r\nVia: SIP\/2\.0\/\w+ /, `\r\nVia: SIP/2.0/${protocol.toUpperCase()} `)

/** First value of a header of the head. */
function headerOf(text: string, name: string): string | undefined {
  const start = text.indexOf(`\r\n${name}: `)
  if (start < 0 || start > text.indexOf('\r\n\r\n')) return undefined
  const from = start + name.length + 4
  return text.slice(from, text.indexOf('\r\n', from))
}
