import type { SipUri } from '../uri/sip-uri.js'
import type { HeaderField } from './message.js'

/** RFC 7616 challenge as parsed from WWW-Authenticate or Proxy-Authenticate. */
export interface Challenge {
  /** 401: from a UAS or registrar; 407: from a proxy. */
  status: 401 | 407
  realm: string
  nonce: string
  opaque?: string
  algorithm: string
  qop: string[]
  stale: boolean
}

/** The request that credentials are computed for. */
export interface AuthenticatedRequest {
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
   * credentials to try: then the 401/407 is the final answer. `attempt` counts from 1 within one request. `challenges`: the latest of
   * each realm that has challenged this request. The SIP layer ends loops: a realm that challenges twice in succession without `stale`
   * is not passed on the second time. `callId` and `method` distinguish simultaneous requests.
   */
  answer(
    challenges: readonly Challenge[],
    request: AuthenticatedRequest & {
      attempt: number
      /** The challenge came within a dialog, so the peer of the call may have sent it. If absent, the method tells. */
      inDialog?: boolean
      /** Address that the challenge came from. */
      source?: string
    },
  ): HeaderField[] | undefined
  /** Credentials for the servers that the request will pass, as far as they are known; sent with the first try. */
  ahead?(request: AuthenticatedRequest): HeaderField[]
  /** The final response to the request is not a challenge: its credentials were accepted. */
  accepted?(request: AuthenticatedRequest): void
  /** The credentials from `ahead` were not accepted. */
  refused?(request: AuthenticatedRequest): void
}
