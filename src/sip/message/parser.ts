import { TelephonyError } from '../../base/errors.js'
import { octetLength, textOf } from '../../base/octets.js'
import type { SipAddress } from '../types.js'
import { isToken, numberIn, skipBlanks, tokenEnd } from '../uri/characters.js'
import { type NameAddress, parseNameAddress } from '../uri/name-address.js'
import { parseUri, type SipUri } from '../uri/sip-uri.js'
import { methodOf, parseHeaders, REASON_AT, requestLine, splitHead, statusOf } from './head.js'
import { HeaderFields } from './header-fields.js'
import { idleOctets } from './idle-octets.js'
import { MAX_CSEQ, MAX_MESSAGE_OCTETS, MAX_REQUEST_URI_OCTETS } from './limits.js'
import { BadRequest, ParseError } from './parse-error.js'
import { type ParsedParts, ParsedRequest, ParsedResponse } from './parsed-message.js'
import { parseVia, type Via } from './via.js'

const END_OF_HEAD = Buffer.from('\r\n\r\n')
/** Of a CSeq; longer ones are out of range anyway. */
const MAX_DIGITS = 20
const MAX_BLANKS = 64

/** What a message consists of, before anything in it is understood. */
interface Received {
  startLine: string
  headers: string
  octets: Buffer
  /** Index of the octets after the head. */
  bodyStart: number
  source: SipAddress
}

/**
 * Parses one message. Throws BadRequest where RFC 3261 wants the sender told, TelephonyError PARSE otherwise. Octets
 * after Content-Length are dropped (18.3); what was parsed serialises (`serialise.ts`) and parses again.
 */
export function parseMessage(octets: Buffer, source: SipAddress): ParsedRequest | ParsedResponse {
  if (octets.length > MAX_MESSAGE_OCTETS) throw unreadable(`message of ${octets.length} octets`)
  const start = idleOctets(octets)
  const endOfHead = octets.indexOf(END_OF_HEAD, start)
  if (endOfHead < 0) throw unreadable('no end of headers')
  const { startLine, headers } = splitHead(textOf(octets, start, endOfHead))
  const received = { startLine, headers, octets, bodyStart: endOfHead + END_OF_HEAD.length, source }
  const status = statusOf(startLine)
  return status === undefined ? parseRequest(received) : parseResponse(status, received)
}

function parseResponse(status: number, received: Received): ParsedResponse {
  try {
    const fields = new HeaderFields()
    parseHeaders(received.headers, fields)
    const parts = complete(received, fields, topVia(fields))
    return new ParsedResponse(status, received.startLine.slice(REASON_AT), parts)
  } catch (error) {
    throw error instanceof ParseError ? unreadable(error.message) : error
  }
}

function parseRequest(received: Received): ParsedRequest {
  const { startLine } = received
  const method = methodOf(startLine)
  if (method === undefined) throw unreadable('neither request nor response')
  const fields = new HeaderFields()
  let via: Via | undefined
  try {
    parseHeaders(received.headers, fields)
    via = topVia(fields)
    const uri = requestUri(startLine)
    const parts = complete(received, fields, via)
    if (parts.method !== method) throw new ParseError('CSeq method is not the request method') // RFC 4475 3.1.2.17
    const contact = checkedContact(fields)
    // RFC 3261 25.1: `tag=` without a token is neither a tag nor none.
    if (hasEmptyTag(parts.from) || hasEmptyTag(parts.to)) throw new ParseError('Malformed tag')
    // 20.15 wants it. A request that makes or begins something is refused; within a dialog, an ACK or BYE does its work whatever its body is.
    if (parts.body !== '' && parts.to.tag === '' && method !== 'ACK' && !fields.first('content-type'))
      throw new ParseError('Missing Content-Type')
    return new ParsedRequest(uri, parts, contact)
  } catch (error) {
    if (!(error instanceof ParseError)) throw error
    via ??= tryTopVia(fields) ?? sentByOnly(fields)
    throw via ? new BadRequest(error.status, error.message, { method, fields, via }) : unreadable(error.message)
  }
}

const hasEmptyTag = ({ params }: NameAddress): boolean => params.has('tag') && !params.get('tag')

/** What its sender is told of a request of which only the head can be read; undefined: its sender cannot be told. */
export function refusalOf(octets: Buffer, status: number, reason: string): BadRequest | undefined {
  const { startLine, headers } = splitHead(textOf(octets).trimEnd())
  const method = methodOf(startLine)
  if (method === undefined || !requestLine(startLine)) return undefined
  const fields = new HeaderFields()
  try {
    parseHeaders(headers, fields)
  } catch (error) {
    if (!(error instanceof ParseError)) throw error
  }
  const via = tryTopVia(fields) ?? sentByOnly(fields)
  return via && new BadRequest(status, reason, { method, fields, via })
}

function requestUri(startLine: string): SipUri {
  const line = requestLine(startLine)
  if (!line) throw new ParseError('Malformed request line')
  if (line.version !== '2.0') throw new ParseError('Version Not Supported', 505)
  // A character has at most three octets per UTF-16 unit.
  if (line.uri.length > MAX_REQUEST_URI_OCTETS / 3 && octetLength(line.uri) > MAX_REQUEST_URI_OCTETS)
    throw new ParseError('Request-URI Too Long', 414)
  const uri = parseUri(line.uri)
  if (!uri) throw new ParseError('Malformed Request-URI')
  if (uri.headers !== '') throw new ParseError('Headers in Request-URI') // RFC 3261 19.1.1
  return uri
}

function complete({ octets, bodyStart, source }: Received, fields: HeaderFields, via: Via): ParsedParts {
  const single = singlesOf(fields)
  const from = parseNameAddress(required('From', single.from))
  const to = parseNameAddress(required('To', single.to))
  if (!from) throw new ParseError('Malformed From')
  if (!to) throw new ParseError('Malformed To')
  const { cseq, method } = parseCseq(required('CSeq', single.cseq))
  const callId = required('Call-ID', single.callId)
  if (/\s/.test(callId)) throw new ParseError('Malformed Call-ID')
  checkMaxForwards(single.maxForwards)
  const length = contentLength(single.contentLength, octets, bodyStart)
  const body = length === 0 ? '' : textOf(octets, bodyStart, bodyStart + length)
  // RFC 2616 7.2.1, on which SIP's bodies rest: only where no type is given may it be guessed.
  if (!single.contentType && body.startsWith('v=0')) fields.set('content-type', ['application/sdp'])
  return { fields, via, from, to, callId, cseq, method, body, source, octets }
}

class Singles {
  from: string | undefined = undefined
  to: string | undefined = undefined
  callId: string | undefined = undefined
  cseq: string | undefined = undefined
  maxForwards: string | undefined = undefined
  contentLength: string | undefined = undefined
  contentType: string | undefined = undefined
}

/** RFC 3261 20: at most one of each (RFC 4475 3.3.8, 3.3.9). */
function singlesOf(fields: HeaderFields): Singles {
  const found = new Singles()
  for (let at = 0; at < fields.count; at++) {
    const value = fields.valueAt(at)
    const key = fields.keyAt(at)
    switch (key) {
      case 'from':
        found.from = only(key, found.from, value)
        break
      case 'to':
        found.to = only(key, found.to, value)
        break
      case 'call-id':
        found.callId = only(key, found.callId, value)
        break
      case 'cseq':
        found.cseq = only(key, found.cseq, value)
        break
      case 'max-forwards':
        found.maxForwards = only(key, found.maxForwards, value)
        break
      case 'content-length':
        found.contentLength = only(key, found.contentLength, value)
        break
      case 'content-type':
        found.contentType = only(key, found.contentType, value)
    }
  }
  return found
}

function only(key: string, before: string | undefined, value: string): string {
  if (before !== undefined) throw new ParseError(`More than one ${key}`)
  return value
}

function required(name: string, value: string | undefined): string {
  if (!value) throw new ParseError(`Missing ${name}`)
  return value
}

/** RFC 3261 20.16: `4711 INVITE`. */
function parseCseq(value: string): { cseq: number; method: string } {
  const digits = tokenEnd(value, 0)
  const cseq = numberIn(value, 0, digits, MAX_DIGITS)
  const methodStart = skipBlanks(value, digits)
  const method = value.slice(methodStart)
  const blanks = methodStart - digits
  if (cseq < 0 || cseq > MAX_CSEQ || blanks < 1 || blanks > MAX_BLANKS || !isToken(method))
    throw new ParseError('Malformed CSeq')
  return { cseq, method }
}

/** RFC 3261 20.22: 0 to 255. */
function checkMaxForwards(value: string | undefined): void {
  if (value === undefined) return
  const hops = numberIn(value, 0, value.length, 10)
  if (hops < 0 || hops > 255) throw new ParseError('Malformed Max-Forwards')
}

/**
 * The first Contact. All are looked at, of requests only: registrars list what all devices of an address sent them, and a 2xx that is
 * dropped leaves its peer in a call.
 */
function checkedContact(fields: HeaderFields): NameAddress | undefined {
  let first: NameAddress | undefined
  let isFirst = true
  for (let at = 0; at < fields.count; at++) {
    if (fields.keyAt(at) !== 'contact') continue
    const value = fields.valueAt(at)
    const contact = value === '*' ? undefined : parseNameAddress(value)
    if (value !== '*' && !contact) throw new ParseError('Malformed Contact')
    if (isFirst) first = contact
    isFirst = false
  }
  return first
}

/** RFC 3261 18.3: octets, and on datagrams no more of them than have come. */
function contentLength(value: string | undefined, octets: Buffer, bodyStart: number): number {
  if (value === undefined) return withoutFill(octets.subarray(bodyStart))
  const length = numberIn(value, 0, value.length, 10)
  if (length < 0 || length > octets.length - bodyStart) throw new ParseError('Wrong Content-Length')
  return length
}

/** Senders without Content-Length are those that also send the NUL at the end of a string, or a keep-alive in the same datagram. */
function withoutFill(body: Buffer): number {
  if (idleOctets(body) === body.length) return 0
  let end = body.length
  while (end > 0 && body[end - 1] === 0) end--
  return end
}

function topVia(fields: HeaderFields): Via {
  const via = tryTopVia(fields)
  if (!via) throw new ParseError('Malformed Via')
  for (let at = 0; at < fields.count; at++)
    if (fields.valueAt(at) === '' && fields.keyAt(at) === 'via') throw new ParseError('Malformed Via')
  return via
}

const tryTopVia = (fields: HeaderFields): Via | undefined => parseVia(fields.first('via') ?? '')

/** Enough of a malformed Via to tell its sender. */
const sentByOnly = (fields: HeaderFields): Via | undefined =>
  parseVia((fields.first('via') ?? '').split(/[;,]/, 1)[0] ?? '')

const unreadable = (reason: string): TelephonyError => new TelephonyError('PARSE', `not a SIP message: ${reason}`)
