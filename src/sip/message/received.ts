import type { NameAddr, SipAddress, SipBody, SipMessage, SipRequest, SipResponse } from '../types.js'
import type { SipNameAddr } from '../uri/name-addr.js'
import { mediaType, type ParsedMessage, type ParsedRequest, type ParsedResponse } from './parsed-message.js'

/** A message as the layers above see it: no type of sip.js, parts made when they are asked for. */
abstract class Received<M extends ParsedMessage> implements SipMessage {
  protected readonly message: M
  /** The content type without parameters, in lower case: `application/sdp`; of multipart/… as it came, for its boundary is there. */
  declare readonly body?: SipBody

  constructor(message: M) {
    this.message = message
    const content = message.body
    if (content === '') return
    const written = message.getHeader('content-type') ?? ''
    const type = mediaType(written)
    this.body = { contentType: type.startsWith('multipart/') ? written : type, content }
  }

  get callId(): string {
    return this.message.callId
  }

  get cseq(): number {
    return this.message.cseq
  }

  get method(): string {
    return this.message.method
  }

  get from(): NameAddr {
    return nameAddr(this.message.from)
  }

  get to(): NameAddr {
    return nameAddr(this.message.to)
  }

  get source(): SipAddress {
    return this.message.source
  }

  header(name: string): string | undefined {
    return this.message.getHeader(name)
  }

  headers(name: string): string[] {
    return this.message.getHeaders(name)
  }
}

export class ReceivedRequest extends Received<ParsedRequest> implements SipRequest {
  get uri(): string {
    return this.message.requestUri.text
  }

  get uriUser(): string {
    return this.message.requestUri.parts.user
  }
}

export class ReceivedResponse extends Received<ParsedResponse> implements SipResponse {
  readonly status: number
  readonly reason: string

  constructor(message: ParsedResponse, as?: { status: number; reason: string }) {
    super(message)
    this.status = as?.status ?? message.statusCode
    this.reason = as?.reason ?? message.reasonPhrase
  }
}

function nameAddr(value: SipNameAddr): NameAddr {
  const { text, parts } = value.sipUri
  const tag = value.tag
  return { uri: text, user: parts.user, host: parts.host, displayName: value.displayName, ...(tag ? { tag } : {}) }
}
