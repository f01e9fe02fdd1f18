import { IncomingRequestMessage } from 'sip.js/lib/core/messages/incoming-request-message.js'
import { IncomingResponseMessage } from 'sip.js/lib/core/messages/incoming-response-message.js'
import type { SipAddress } from '../types.js'
import { parseNameAddr, type SipNameAddr } from '../uri/name-addr.js'
import type { SipUri } from '../uri/sip-uri.js'
import { type HeaderFields, headerKey } from './header-fields.js'
import type { Via } from './via.js'

/** What every message has once it has been parsed. */
export interface ParsedFields {
  fields: HeaderFields
  /** The topmost one. */
  hop: Via
  from: SipNameAddr
  to: SipNameAddr
  callId: string
  cseq: number
  cseqMethod: string
  body: string
  source: SipAddress
}

/** sip.js' request with our header fields below it: core asks by method call only, so that its grammar is never run. */
export class ParsedRequest extends IncomingRequestMessage {
  readonly fields: HeaderFields
  readonly hop: Via
  readonly source: SipAddress
  readonly requestUri: SipUri
  declare from: SipNameAddr
  declare to: SipNameAddr

  constructor(method: string, requestUri: SipUri, parsed: ParsedFields) {
    super()
    this.method = method
    this.ruri = requestUri
    this.requestUri = requestUri
    this.fields = parsed.fields
    this.hop = parsed.hop
    this.source = parsed.source
    fill(this, parsed)
  }

  override getHeader(name: string): string | undefined {
    return this.fields.first(name)
  }

  override getHeaders(name: string): string[] {
    return [...this.fields.all(name)]
  }

  override hasHeader(name: string): boolean {
    return this.fields.first(name) !== undefined
  }

  override parseHeader(name: string, index = 0): unknown {
    return parseForCore(this, name, index)
  }
}

export class ParsedResponse extends IncomingResponseMessage {
  readonly fields: HeaderFields
  readonly hop: Via
  readonly source: SipAddress
  declare from: SipNameAddr
  declare to: SipNameAddr
  declare statusCode: number
  declare reasonPhrase: string

  constructor(status: number, reason: string, parsed: ParsedFields) {
    super()
    this.statusCode = status
    this.reasonPhrase = reason
    this.method = parsed.cseqMethod
    this.fields = parsed.fields
    this.hop = parsed.hop
    this.source = parsed.source
    fill(this, parsed)
  }

  override getHeader(name: string): string | undefined {
    return this.fields.first(name)
  }

  override getHeaders(name: string): string[] {
    return [...this.fields.all(name)]
  }

  override hasHeader(name: string): boolean {
    return this.fields.first(name) !== undefined
  }

  override parseHeader(name: string, index = 0): unknown {
    return parseForCore(this, name, index)
  }
}

/**
 * RFC 3261 12.1.1, 12.1.2: the missing tag of an RFC 2543 peer is a tag with the value null. Core wants some text there; no tag on the wire
 * can look like this one.
 */
export const NULL_TAG = '(null)'

export type ParsedMessage = ParsedRequest | ParsedResponse

function fill(message: ParsedMessage, parsed: ParsedFields): void {
  message.from = parsed.from
  message.to = parsed.to
  message.fromTag = parsed.from.tag ?? NULL_TAG
  // core takes undefined for "outside of a dialog" and declares it string
  message.toTag = parsed.to.tag as string
  message.callId = parsed.callId
  message.cseq = parsed.cseq
  message.viaBranch = parsed.hop.branch
  message.body = parsed.body
  message.data = ''
}

/** What core reads in parsed form; everything else it takes as text. */
function parseForCore(message: ParsedMessage, name: string, index: number): unknown {
  const value = message.fields.all(name)[index]
  switch (headerKey(name)) {
    case 'from':
      return message.from
    case 'to':
      return message.to
    case 'contact':
      return value === undefined ? undefined : parseNameAddr(value)
    case 'content-type':
      return coreMediaType(value)
    case 'content-disposition':
      return value === undefined ? undefined : { type: firstWord(value) }
    case 'event':
      return value === undefined ? undefined : { event: firstWord(value) }
    default:
      return undefined
  }
}

/** Core asks only whether there is a session description: a multipart that came this far holds one. */
function coreMediaType(value: string | undefined): string {
  const type = mediaType(value)
  return type.startsWith('multipart/') ? 'application/sdp' : type
}

const firstWord = (value: string): string => (value.split(';', 1)[0] ?? '').trim().toLowerCase()

/** `application/sdp` without parameters, in lower case. A body of unknown type is octets. */
export const mediaType = (value: string | undefined): string => firstWord(value ?? '') || 'application/octet-stream'
