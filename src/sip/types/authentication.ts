import type { SipUri } from '../uri/sip-uri.js'
import type { HeaderField } from './message.js'

/** RFC 7616 challenge as parsed from WWW-Authenticate or Proxy-Authenticate. */
export interface Challenge {
  /** 401: the UAS or registrar asks; 407: a proxy. */
  status: 401 | 407
  realm: string
  nonce: string
  opaque?: string
  algorithm: string
  qop: string[]
  stale: boolean
}

/** What credentials are made for. */
export interface UnaskedRequest {
  method: string
  /** Request-URI; its text is that of the request line. */
  uri: SipUri
  callId: string
  body: string
}

/** Answers challenges; the SIP layer resends with the same Call-ID and From tag, CSeq + 1 (RFC 3261 22.2). */
export interface Authenticator {
  /**
   * `Authorization` / `Proxy-Authorization` values for these challenges, or undefined where there are no (more)
   * credentials to try: then the 401/407 is the final answer. `attempt` counts from 1 within one request. The
   * challenges are those of everybody who has asked for credentials to this request so far, each realm's latest. Loops
   * are the SIP layer's to end: a realm that asks twice running without `stale` is not put here a second time.
   * `callId` and `method` tell requests apart that are under way at the same time.
   */
  answer(
    challenges: readonly Challenge[],
    request: UnaskedRequest & {
      attempt: number
      /** The challenge came within a dialog, so the peer of the call may have sent it. If absent, the method tells. */
      inDialog?: boolean
      /** Address that the challenge came from. */
      source?: string
    },
  ): HeaderField[] | undefined
  /** Credentials that the servers on this way will ask for, as far as they are known; sent with the first try. */
  ahead?(request: UnaskedRequest): HeaderField[]
  /** The final response to the request is not a challenge: its credentials were accepted. */
  accepted?(request: UnaskedRequest): void
  /** What went ahead was not taken. */
  refused?(request: UnaskedRequest): void
}
