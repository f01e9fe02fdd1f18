import type { SipAddress } from '../types.js'

/** Gives one whole message up; what it throws gets no further than the log. */
export type Receive = (bytes: Buffer, source: SipAddress) => void

/** What sends and receives over one protocol at one local address. */
export interface SipTransport {
  readonly local: SipAddress
  /** Rejects with TRANSPORT where it cannot be sent. */
  send(text: string, to: SipAddress): Promise<void>
  /** Resolves when a connection to this peer is open; without connections at once. Rejects with TRANSPORT. */
  connect(to: SipAddress): Promise<void>
  /** Whether a connection to this peer is open; false where there are no connections. */
  isConnected(to: SipAddress): boolean
  /** A request got no answer: a connection on which nothing has come for so long is closed, so that the next one is new. */
  suspect(to: SipAddress, silentMs: number): void
  /** Idempotent; resolves when the socket is closed. */
  close(): Promise<void>
}

export interface LocalAddress {
  host: string
  port: number
}
