import type { SipAddress } from './address.js'

export interface SipBody {
  contentType: string
  content: string
}

/** Name in canonical spelling (`Content-Type`), value without CR or LF; refused with BAD_HEADER otherwise. */
export type HeaderField = readonly [name: string, value: string]

/** From or To of a message. */
export interface PartyAddress {
  /** As text, e.g. `sip:alice@example.com`. */
  uri: string
  /** Decoded user part; '' where the URI has none. */
  user: string
  host: string
  displayName: string
  tag?: string
}

export interface SipMessage {
  callId: string
  cseq: number
  method: string
  from: PartyAddress
  to: PartyAddress
  /** First value of a header, folded lines joined. Case-insensitive, compact forms known. */
  header(name: string): string | undefined
  headers(name: string): string[]
  body?: SipBody
  source: SipAddress
}

export interface SipRequest extends SipMessage {
  /** Request-URI as text, and its decoded user part. */
  uri: string
  uriUser: string
}

export interface SipResponse extends SipMessage {
  status: number
  reason: string
}

/** Why the peer has not answered a request: 408 (Timer B/F), 503 (transport error; RFC 3261 8.1.3.1), 487 (cancelled before it left). */
export interface LocalFinalResponse {
  status: 408 | 487 | 503
  reason: string
  local: true
  /** The request has not left at all: the peer knows nothing of it. */
  unsent?: true
}

export type FinalResponse = SipResponse | LocalFinalResponse

export const isLocal = (response: FinalResponse): response is LocalFinalResponse => 'local' in response
