import { TelephonyError } from '../../base/errors.js'
import { octetLength, textOf } from '../../base/octets.js'
import type { SipAddress } from '../types.js'
import { isBlank, isToken, numberIn, skipBlanks, tokenEnd, trimmed } from '../uri/characters.js'
import { type NameAddress, parseNameAddress } from '../uri/name-address.js'
import { parseUri, type SipUri } from '../uri/sip-uri.js'
import { HeaderFields, headerKey, usualKey } from './header-fields.js'
import { idleOctets } from './idle-octets.js'
import { MAX_CSEQ, MAX_HEADER_VALUES, MAX_MESSAGE_OCTETS, MAX_REQUEST_URI_OCTETS } from './limits.js'
import { BadRequest } from './parse-error.js'
import { type ParsedParts, ParsedRequest, ParsedResponse } from './parsed-message.js'
import { parseVia, type Via } from './via.js'

const END_OF_HEAD = Buffer.from('\r\n\r\n')
/** Of a CSeq; longer ones are out of range anyway. */
const MAX_DIGITS = 20
const MAX_BLANKS = 64

/** A complaint that becomes BadRequest (requests) or PARSE (responses). */
class Complaint extends Error {
  readonly status: number
  constructor(reason: string, status = 400) {
    super(reason)
    this.status = status
  }
}

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

function splitHead(head: string): { startLine: string; headers: string } {
  const lineEnd = head.indexOf('\r\n')
  return lineEnd < 0
    ? { startLine: head, headers: '' }
    : { startLine: head.slice(0, lineEnd), headers: head.slice(lineEnd + 2) }
}

const STATUS_AT = 'SIP/2.0 '.length
const REASON_AT = 'SIP/2.0 200 '.length

/** Undefined: not a status line. */
function statusOf(startLine: string): number | undefined {
  if (startLine.slice(0, STATUS_AT).toUpperCase() !== 'SIP/2.0 ' || hasLineBreak(startLine)) return undefined
  const status = numberIn(startLine, STATUS_AT, REASON_AT - 1, 3)
  const ends = startLine.length === REASON_AT - 1 || startLine[REASON_AT - 1] === ' '
  return status >= 100 && status <= 699 && ends ? status : undefined
}

function parseResponse(status: number, received: Received): ParsedResponse {
  try {
    const fields = new HeaderFields()
    parseHeaders(received.headers, fields)
    const parts = complete(received, fields, topVia(fields))
    return new ParsedResponse(status, received.startLine.slice(REASON_AT), parts)
  } catch (error) {
    throw error instanceof Complaint ? unreadable(error.message) : error
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
    if (parts.method !== method) throw new Complaint('CSeq method is not the request method') // RFC 4475 3.1.2.17
    const contact = checkedContact(fields)
    // RFC 3261 25.1: `tag=` without a token is neither a tag nor none.
    for (const { params, tag } of [parts.from, parts.to])
      if (tag === '' && params.has('tag')) throw new Complaint('Malformed tag')
    // 20.15 wants it. A request that makes or begins something is refused; within a dialog, an ACK or BYE does its work whatever its body is.
    if (parts.body !== '' && parts.to.tag === '' && method !== 'ACK' && !fields.first('content-type'))
      throw new Complaint('Missing Content-Type')
    return new ParsedRequest(uri, parts, contact)
  } catch (error) {
    if (!(error instanceof Complaint)) throw error
    via ??= tryTopVia(fields) ?? sentByOnly(fields)
    throw via ? new BadRequest(error.status, error.message, { method, fields, via }) : unreadable(error.message)
  }
}

/** What its sender is told of a request of which only the head can be read; undefined: its sender cannot be told. */
export function refusalOf(octets: Buffer, status: number, reason: string): BadRequest | undefined {
  const { startLine, headers } = splitHead(textOf(octets).trimEnd())
  const method = methodOf(startLine)
  if (method === undefined || !requestLine(startLine)) return undefined
  const fields = new HeaderFields()
  try {
    parseHeaders(headers, fields)
  } catch (error) {
    if (!(error instanceof Complaint)) throw error
  }
  const via = tryTopVia(fields) ?? sentByOnly(fields)
  return via && new BadRequest(status, reason, { method, fields, via })
}

function methodOf(startLine: string): string | undefined {
  const end = tokenEnd(startLine, 0)
  return end > 0 && (end === startLine.length || startLine[end] === ' ') ? startLine.slice(0, end) : undefined
}

/** RFC 3261 7.1: three parts with one space between them. */
function requestLine(startLine: string): { uri: string; version: string } | undefined {
  const uriStart = startLine.indexOf(' ') + 1
  const uriEnd = startLine.lastIndexOf(' ')
  if (uriEnd <= uriStart) return undefined
  const uri = startLine.slice(uriStart, uriEnd)
  const protocol = startLine.slice(uriEnd + 1)
  const version = protocol === 'SIP/2.0' ? '2.0' : /^SIP\/(\d+\.\d+)$/i.exec(protocol)?.[1]
  return version === undefined || /\s/.test(uri) ? undefined : { uri, version }
}

function requestUri(startLine: string): SipUri {
  const line = requestLine(startLine)
  if (!line) throw new Complaint('Malformed request line')
  if (line.version !== '2.0') throw new Complaint('Version Not Supported', 505)
  // A character has at most three octets per UTF-16 unit.
  if (line.uri.length > MAX_REQUEST_URI_OCTETS / 3 && octetLength(line.uri) > MAX_REQUEST_URI_OCTETS)
    throw new Complaint('Request-URI Too Long', 414)
  const uri = parseUri(line.uri)
  if (!uri) throw new Complaint('Malformed Request-URI')
  if (uri.headers !== '') throw new Complaint('Headers in Request-URI') // RFC 3261 19.1.1
  return uri
}

/** Lines into fields; the fields before a broken line are still there for the answer. */
function parseHeaders(text: string, fields: HeaderFields): void {
  let at = 0
  while (at < text.length) {
    const cr = text.indexOf('\r', at)
    const lf = text.indexOf('\n', at)
    // The usual line: no line break but that at its end, and no blank behind it.
    const isPlain = cr < 0 ? lf < 0 : lf === cr + 1 && !isBlank(text.charCodeAt(lf + 1))
    const end = isPlain ? (cr < 0 ? text.length : cr) : endOfField(text, at)
    const colon = text.indexOf(':', at)
    const key = colon < 0 || colon > end ? '' : (usualKey(text, at, colon) ?? unusualKey(trimmed(text, at, colon)))
    if (key === '') throw new Complaint('Malformed header line')
    fields.addKey(key, isPlain ? trimmed(text, colon + 1, end) : unfolded(text.slice(colon + 1, end)))
    if (fields.count > MAX_HEADER_VALUES) throw new Complaint('Too many header fields')
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
  if (hasLineBreak(text)) throw new Complaint('Stray line break in a header')
  return trimmed(text)
}

const hasLineBreak = (text: string): boolean => text.includes('\n') || text.includes('\r')

function complete({ octets, bodyStart, source }: Received, fields: HeaderFields, via: Via): ParsedParts {
  const single = singlesOf(fields)
  const from = parseNameAddress(required('From', single.from))
  const to = parseNameAddress(required('To', single.to))
  if (!from) throw new Complaint('Malformed From')
  if (!to) throw new Complaint('Malformed To')
  const { cseq, method } = parseCseq(required('CSeq', single.cseq))
  const callId = required('Call-ID', single.callId)
  if (/\s/.test(callId)) throw new Complaint('Malformed Call-ID')
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
  if (before !== undefined) throw new Complaint(`More than one ${key}`)
  return value
}

function required(name: string, value: string | undefined): string {
  if (!value) throw new Complaint(`Missing ${name}`)
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
    throw new Complaint('Malformed CSeq')
  return { cseq, method }
}

/** RFC 3261 20.22: 0 to 255. */
function checkMaxForwards(value: string | undefined): void {
  if (value === undefined) return
  const hops = numberIn(value, 0, value.length, 10)
  if (hops < 0 || hops > 255) throw new Complaint('Malformed Max-Forwards')
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
    if (value !== '*' && !contact) throw new Complaint('Malformed Contact')
    if (isFirst) first = contact
    isFirst = false
  }
  return first
}

/** RFC 3261 18.3: octets, and on datagrams no more of them than have come. */
function contentLength(value: string | undefined, octets: Buffer, bodyStart: number): number {
  if (value === undefined) return withoutFill(octets.subarray(bodyStart))
  const length = numberIn(value, 0, value.length, 10)
  if (length < 0 || length > octets.length - bodyStart) throw new Complaint('Wrong Content-Length')
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
  if (!via) throw new Complaint('Malformed Via')
  for (let at = 0; at < fields.count; at++)
    if (fields.valueAt(at) === '' && fields.keyAt(at) === 'via') throw new Complaint('Malformed Via')
  return via
}

const tryTopVia = (fields: HeaderFields): Via | undefined => parseVia(fields.first('via') ?? '')

/** Enough of a malformed Via to tell its sender. */
const sentByOnly = (fields: HeaderFields): Via | undefined =>
  parseVia((fields.first('via') ?? '').split(/[;,]/, 1)[0] ?? '')

const unreadable = (reason: string): TelephonyError => new TelephonyError('PARSE', `not a SIP message: ${reason}`)
