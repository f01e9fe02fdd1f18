import type { Flow } from '../transport/flow.js'
import type { SipAddress } from '../types.js'
import { lowerCase, trimmed } from '../uri/characters.js'
import { type NameAddress, parseNameAddress } from '../uri/name-address.js'
import type { SipUri } from '../uri/sip-uri.js'
import type { HeaderFields } from './header-fields.js'
import { targetUri } from './strict-route.js'
import type { Via } from './via.js'

/** The parts that every message has once it has been parsed. */
export interface ParsedParts {
  fields: HeaderFields
  via: Via
  from: NameAddress
  to: NameAddress
  callId: string
  cseq: number
  /** Of CSeq. */
  method: string
  body: string
  source: SipAddress
  octets: Buffer
}

export abstract class ParsedMessage {
  readonly fields: HeaderFields
  /** The topmost one, as received. */
  readonly via: Via
  readonly from: NameAddress
  readonly to: NameAddress
  /** '' for a peer of RFC 2543, which has none (RFC 3261 12.1.1). */
  readonly fromTag: string
  /** '' where there is none: outside of dialogs, and from a peer of RFC 2543. */
  readonly toTag: string
  readonly callId: string
  readonly cseq: number
  /** Of a response: the method of its request. */
  readonly method: string
  readonly body: string
  readonly source: SipAddress
  /** As received. */
  readonly octets: Buffer
  /** Null: not parsed yet. */
  #contact: NameAddress | undefined | null
  #recordRoutes: readonly NameAddress[] | undefined

  protected constructor(parts: ParsedParts, contact: NameAddress | undefined | null) {
    this.#contact = contact
    this.fields = parts.fields
    this.via = parts.via
    this.from = parts.from
    this.to = parts.to
    this.fromTag = parts.from.tag
    this.toTag = parts.to.tag
    this.callId = parts.callId
    this.cseq = parts.cseq
    this.method = parts.method
    this.body = parts.body
    this.source = parts.source
    this.octets = parts.octets
  }

  /** First value of a header; name in any case, long or compact. */
  header(name: string): string | undefined {
    return this.fields.first(name)
  }

  headers(name: string): readonly string[] {
    return this.fields.all(name)
  }

  /** Topmost first. */
  get vias(): readonly string[] {
    return this.fields.all('via')
  }

  /** The first Contact where requests can be sent to it; undefined without one, for `*` and for URIs without a host. */
  get contact(): SipUri | undefined {
    if (this.#contact === null) this.#contact = parseNameAddress(this.fields.first('contact') ?? '')
    return this.#contact && withHost(this.#contact)?.uri
  }

  /** Record-Route in order. Values that no request can be sent to, malformed ones among them, are left out. */
  get recordRoutes(): readonly NameAddress[] {
    this.#recordRoutes ??= this.fields.all('record-route').flatMap((value) => withHost(parseNameAddress(value)) ?? [])
    return this.#recordRoutes
  }
}

const withHost = (address: NameAddress | undefined): NameAddress | undefined =>
  address && address.uri.host !== '' ? address : undefined

export class ParsedRequest extends ParsedMessage {
  /** As it stands in the request line. */
  readonly uri: SipUri
  /** Set by the transaction layer, once. */
  transactionKey = ''
  /** It has come by this flow; set once, by the receiver of its octets. */
  flow: Flow | undefined = undefined

  /** `contact`: the first Contact, which the parser has checked. */
  constructor(uri: SipUri, parts: ParsedParts, contact: NameAddress | undefined) {
    super(parts, contact)
    this.uri = uri
  }

  /** The URI that the caller asked for; after a strict router it is not the Request-URI. */
  get target(): SipUri {
    return targetUri(this.uri, this.fields)
  }
}

export class ParsedResponse extends ParsedMessage {
  readonly status: number
  readonly reason: string

  constructor(status: number, reason: string, parts: ParsedParts) {
    super(parts, null)
    this.status = status
    this.reason = reason
  }
}

/** `application/sdp` without parameters, in lower case. A body of unknown type is octets. */
export function mediaType(value = ''): string {
  const semicolon = value.indexOf(';')
  return lowerCase(trimmed(value, 0, semicolon < 0 ? value.length : semicolon)) || 'application/octet-stream'
}
