import { TelephonyError } from '../../base/errors.js'
import { octetLength, textOf } from '../../base/octets.js'
import type { SipAddress } from '../types.js'
import { parseNameAddr } from '../uri/name-addr.js'
import { parseUri, type SipUri } from '../uri/sip-uri.js'
import { HeaderFields } from './header-fields.js'
import { idleOctets } from './idle-octets.js'
import { MAX_CSEQ, MAX_HEADER_VALUES, MAX_MESSAGE_OCTETS, MAX_REQUEST_URI_OCTETS } from './limits.js'
import { BadRequest } from './parse-error.js'
import { type ParsedFields, type ParsedMessage, ParsedRequest, ParsedResponse } from './parsed-message.js'
import { parseVia, type Via } from './via.js'

const TOKEN = /^[\w!%*.+`'~-]+$/
const STATUS_LINE = /^SIP\/2\.0 ([1-6]\d\d)(?: ([^\r\n]*))?$/i
const REQUEST_LINE = /^(\S+) (\S+) SIP\/(\d+\.\d+)$/i
const CSEQ = /^(\d{1,20})[ \t]{1,64}([\w!%*.+`'~-]+)$/
/** RFC 3261 20: at most one of each (RFC 4475 3.3.8, 3.3.9). */
const SINGLE = ['from', 'to', 'call-id', 'cseq', 'max-forwards', 'content-length', 'content-type']
const END_OF_HEAD = Buffer.from('\r\n\r\n')

/** A complaint that becomes BadRequest (requests) or PARSE (responses). */
class Complaint extends Error {
  readonly status: number
  constructor(reason: string, status = 400) {
    super(reason)
    this.status = status
  }
}

/**
 * Parses one message. Throws BadRequest where RFC 3261 wants the sender told, TelephonyError PARSE otherwise. Octets
 * after Content-Length are dropped (18.3); what was parsed serialises (`serialise.ts`) and parses again.
 */
export function parseMessage(bytes: Buffer, source: SipAddress): ParsedMessage {
  if (bytes.length > MAX_MESSAGE_OCTETS) throw unreadable(`message of ${bytes.length} octets`)
  const start = idleOctets(bytes)
  const endOfHead = bytes.indexOf(END_OF_HEAD, start)
  if (endOfHead < 0) throw unreadable('no end of headers')
  const head = textOf(bytes.subarray(start, endOfHead))
  const lineEnd = head.indexOf('\r\n')
  const startLine = lineEnd < 0 ? head : head.slice(0, lineEnd)
  const available = bytes.subarray(endOfHead + END_OF_HEAD.length)
  const headers = lineEnd < 0 ? '' : head.slice(lineEnd + 2)

  const status = STATUS_LINE.exec(startLine)
  return status
    ? parseResponse(Number(status[1]), status[2] ?? '', headers, available, source)
    : parseRequest(startLine, headers, available, source)
}

function parseResponse(status: number, reason: string, headers: string, available: Buffer, source: SipAddress) {
  try {
    const fields = parseHeaders(headers)
    return new ParsedResponse(status, reason, complete(fields, topVia(fields), available, source))
  } catch (error) {
    throw error instanceof Complaint ? unreadable(error.message) : error
  }
}

function parseRequest(startLine: string, headers: string, available: Buffer, source: SipAddress): ParsedRequest {
  const method = startLine.split(' ', 1)[0] ?? ''
  if (!TOKEN.test(method)) throw unreadable('neither request nor response')
  const fields = new HeaderFields()
  let hop: Via | undefined
  try {
    parseHeaders(headers, fields)
    hop = topVia(fields)
    const uri = requestUri(startLine)
    const parsed = complete(fields, hop, available, source)
    if (parsed.cseqMethod !== method) throw new Complaint('CSeq method is not the request method') // RFC 4475 3.1.2.17
    checkContacts(fields.all('contact'))
    // RFC 3261 25.1: `tag=` without a token is neither a tag nor none.
    for (const { params, tag } of [parsed.from, parsed.to])
      if (params.has('tag') && !tag) throw new Complaint('Malformed tag')
    // 20.15 wants it. What makes or begins something is refused; within a dialog, an ACK or BYE does its work whatever its body is.
    if (parsed.body !== '' && !fields.first('content-type') && !parsed.to.tag && method !== 'ACK')
      throw new Complaint('Missing Content-Type')
    return new ParsedRequest(method, uri, parsed)
  } catch (error) {
    if (!(error instanceof Complaint)) throw error
    hop ??= tryTopVia(fields) ?? sentByOnly(fields)
    throw hop ? new BadRequest(error.status, error.message, { method, fields, hop }) : unreadable(error.message)
  }
}

/** What its sender is told of a request of which only the head can be read; undefined: there is nobody to tell. */
export function refusalOf(head: Buffer, status: number, reason: string): BadRequest | undefined {
  const [startLine = '', ...lines] = textOf(head).trimEnd().split('\r\n')
  const method = startLine.split(' ', 1)[0] ?? ''
  if (!TOKEN.test(method) || !REQUEST_LINE.test(startLine)) return undefined
  const fields = new HeaderFields()
  try {
    parseHeaders(lines.join('\r\n'), fields)
  } catch (error) {
    if (!(error instanceof Complaint)) throw error
  }
  const hop = tryTopVia(fields) ?? sentByOnly(fields)
  return hop && new BadRequest(status, reason, { method, fields, hop })
}

function requestUri(startLine: string): SipUri {
  const [, , text, version] = REQUEST_LINE.exec(startLine) ?? []
  if (text === undefined) throw new Complaint('Malformed request line')
  if (version !== '2.0') throw new Complaint('Version Not Supported', 505)
  if (octetLength(text) > MAX_REQUEST_URI_OCTETS) throw new Complaint('Request-URI Too Long', 414)
  const uri = parseUri(text)
  if (!uri) throw new Complaint('Malformed Request-URI')
  if (uri.parts.headers !== '') throw new Complaint('Headers in Request-URI') // RFC 3261 19.1.1
  return uri
}

/** Lines into fields; what a broken line leaves behind is still there for the answer. */
function parseHeaders(text: string, fields = new HeaderFields()): HeaderFields {
  let at = 0
  while (at < text.length) {
    const end = endOfField(text, at)
    const colon = text.indexOf(':', at)
    const name = colon < 0 || colon > end ? '' : trimBlanks(text.slice(at, colon))
    if (!TOKEN.test(name)) throw new Complaint('Malformed header line')
    fields.add(name, unfold(text.slice(colon + 1, end)))
    if (fields.count > MAX_HEADER_VALUES) throw new Complaint('Too many header fields')
    at = end + 2
  }
  return fields
}

/** RFC 3261 7.3.1: a line that starts with white space continues the one before. */
function endOfField(text: string, from: number): number {
  let end = text.indexOf('\r\n', from)
  while (end >= 0 && (text[end + 2] === ' ' || text[end + 2] === '\t')) end = text.indexOf('\r\n', end + 2)
  return end < 0 ? text.length : end
}

function unfold(value: string): string {
  const text = value.includes('\r\n') ? value.replace(/\r\n[ \t]+/g, ' ') : value
  // Our answers repeat some of these values: nothing in them may look like a line to a lenient reader.
  if (/[\r\n]/.test(text)) throw new Complaint('Stray line break in a header')
  return trimBlanks(text)
}

/** SP and HTAB only (RFC 3261 25.1 LWS): what others take for blanks too would let two readers see two values. */
function trimBlanks(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isBlank(text.charCodeAt(start))) start++
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

const isBlank = (code: number): boolean => code === 0x20 || code === 0x09

function complete(fields: HeaderFields, hop: Via, available: Buffer, source: SipAddress): ParsedFields {
  for (const name of SINGLE) if (fields.all(name).length > 1) throw new Complaint(`More than one ${name}`)
  const from = parseNameAddr(required(fields, 'From'))
  const to = parseNameAddr(required(fields, 'To'))
  if (!from) throw new Complaint('Malformed From')
  if (!to) throw new Complaint('Malformed To')
  const [, number, cseqMethod] = CSEQ.exec(required(fields, 'CSeq')) ?? []
  const cseq = Number(number)
  if (cseqMethod === undefined || cseq > MAX_CSEQ) throw new Complaint('Malformed CSeq')
  const callId = required(fields, 'Call-ID')
  if (/\s/.test(callId)) throw new Complaint('Malformed Call-ID')
  checkMaxForwards(fields.first('max-forwards'))
  const length = contentLength(fields.first('content-length'), available)
  const body = textOf(available.subarray(0, length))
  // RFC 2616 7.2.1, on which SIP's bodies rest: only where no type is given may it be guessed.
  if (body.startsWith('v=0') && !fields.first('content-type')) fields.set('content-type', ['application/sdp'])
  return { fields, hop, from, to, callId, cseq, cseqMethod, body, source }
}

function required(fields: HeaderFields, name: string): string {
  const value = fields.first(name)
  if (!value) throw new Complaint(`Missing ${name}`)
  return value
}

/** RFC 3261 20.22: 0 to 255. */
function checkMaxForwards(value: string | undefined): void {
  if (value !== undefined && (!/^\d{1,10}$/.test(value) || Number(value) > 255))
    throw new Complaint('Malformed Max-Forwards')
}

/** Of requests only: registrars list what all devices of an address sent them, and a 2xx that is dropped leaves its peer in a call. */
function checkContacts(values: readonly string[]): void {
  for (const value of values) if (value !== '*' && !parseNameAddr(value)) throw new Complaint('Malformed Contact')
}

/** RFC 3261 18.3: octets, and on datagrams no more of them than have come. */
function contentLength(value: string | undefined, available: Buffer): number {
  if (value === undefined) return withoutFill(available)
  if (!/^\d{1,10}$/.test(value) || Number(value) > available.length) throw new Complaint('Wrong Content-Length')
  return Number(value)
}

/** Senders without Content-Length are those that also send the NUL at the end of a string, or a keep-alive in the same datagram. */
function withoutFill(body: Buffer): number {
  if (idleOctets(body) === body.length) return 0
  let end = body.length
  while (end > 0 && body[end - 1] === 0) end--
  return end
}

function topVia(fields: HeaderFields): Via {
  const hop = tryTopVia(fields)
  if (!hop || fields.all('via').includes('')) throw new Complaint('Malformed Via')
  return hop
}

const tryTopVia = (fields: HeaderFields): Via | undefined => parseVia(fields.first('via') ?? '')

/** Enough of a malformed Via to tell its sender. */
const sentByOnly = (fields: HeaderFields): Via | undefined =>
  parseVia((fields.first('via') ?? '').split(/[;,]/, 1)[0] ?? '')

const unreadable = (reason: string): TelephonyError => new TelephonyError('PARSE', `not a SIP message: ${reason}`)
