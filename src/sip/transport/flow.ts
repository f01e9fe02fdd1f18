import type { SipAddress } from '../types.js'

/** A way by which a transaction sends all its messages to one peer. */
export interface Way {
  readonly remote: SipAddress
  /** Our host and port for the Via (RFC 3261 18.1.1). */
  readonly sentBy: string
  /** The transport repeats lost messages (RFC 3261 17): connections do, datagrams do not. */
  readonly isReliable: boolean
  /** Rejects with TRANSPORT if the message cannot be sent. */
  send(text: string): Promise<void>
  /** A request has had no answer for `silentMs`: a connection on which nothing has come since is closed. */
  suspect(silentMs: number): void
}

/** A way with a life: a connection, or a datagram socket and the address of a peer (RFC 5626 3.1). */
export interface Flow extends Way {
  readonly local: SipAddress
  /** Opened by us. */
  readonly isOurs: boolean
  /** False: it has ended, and `send` rejects. A flow of datagrams is open as long as its socket. */
  readonly isOpen: boolean
  /** Why the flow has ended, in plain words, if the peer has given a reason. */
  readonly whyEnded?: string | undefined
  /** Whether requests for this host name may take it. TLS: the peer's certificate has the name (RFC 5922 7). */
  serves(name: string): boolean
  /** Sends a keep-alive (RFC 5626 3.5.1, RFC 7118 6). A connection that has answered one before and does not answer this one in 10 s is closed. */
  keepAlive(): void
  /** Idempotent. */
  close(): void
}
