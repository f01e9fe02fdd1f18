import type { SipAddress } from '../types.js'

/** Leads to one peer. A transaction sends all its messages by one flow. */
export interface Flow {
  readonly remote: SipAddress
  /** Our host and port for the Via (RFC 3261 18.1.1). */
  readonly sentBy: string
  /** The transport repeats what is lost (RFC 3261 17): connections do, datagrams do not. */
  readonly isReliable: boolean
  /** Rejects with TRANSPORT if the message cannot be sent. */
  send(text: string): Promise<void>
  /** A request has had no answer for `silentMs`: a connection on which nothing has come since is closed. */
  suspect(silentMs: number): void
}
