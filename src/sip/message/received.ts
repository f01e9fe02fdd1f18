import { readable } from '../../base/octets.js'
import type { PartyAddress, SipAddress, SipBody, SipMessage, SipRequest, SipResponse } from '../types.js'
import type { NameAddress } from '../uri/name-address.js'
import { mediaType, type ParsedMessage, type ParsedRequest, type ParsedResponse } from './parsed-message.js'

/** A message as the layers above see it: text readable, parts made when they are asked for. */
abstract class Received<M extends ParsedMessage> implements SipMessage {
  protected readonly message: M
  /** The content type without parameters, in lower case: `application/sdp`; of multipart/… as it came, for its boundary is there. */
  declare readonly body?: SipBody

  constructor(message: M) {
    this.message = message
    const content = message.body
    if (content === '') return
    const written = message.header('content-type') ?? ''
    const type = mediaType(written)
    this.body = { contentType: readable(type.startsWith('multipart/') ? written : type), content: readable(content) }
  }

  get callId(): string {
    return readable(this.message.callId)
  }

  get cseq(): number {
    return this.message.cseq
  }

  get method(): string {
    return this.message.method
  }

  get from(): PartyAddress {
    return partyAddress(this.message.from)
  }

  get to(): PartyAddress {
    return partyAddress(this.message.to)
  }

  get source(): SipAddress {
    return this.message.source
  }

  header(name: string): string | undefined {
    const value = this.message.header(name)
    return value === undefined ? undefined : readable(value)
  }

  headers(name: string): string[] {
    return this.message.headers(name).map(readable)
  }
}

export class ReceivedRequest extends Received<ParsedRequest> implements SipRequest {
  get uri(): string {
    return readable(this.message.target.text)
  }

  get uriUser(): string {
    return readable(this.message.target.user)
  }
}

export class ReceivedResponse extends Received<ParsedResponse> implements SipResponse {
  readonly status: number
  readonly reason: string

  constructor(message: ParsedResponse, as?: { status: number; reason: string }) {
    super(message)
    this.status = as?.status ?? message.status
    this.reason = as?.reason ?? readable(message.reason)
  }
}

function partyAddress({ uri, displayName, tag }: NameAddress): PartyAddress {
  return {
    uri: readable(uri.text),
    user: readable(uri.user),
    host: uri.host,
    displayName: readable(displayName),
    ...(tag === '' ? {} : { tag }),
  }
}
