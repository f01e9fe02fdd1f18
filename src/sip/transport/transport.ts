import type { HostPort } from '../../base/host-port.js'
import type { SipAddress, SipProtocol, Target, TlsSettings } from '../types.js'
import type { Flow } from './flow.js'

/** The address that a transport listens at, and the one that peers use. */
export interface Listener {
  readonly local: SipAddress
  readonly advertised: HostPort
}

/** Gets everything that the flows of an endpoint report. Its exceptions are logged and go no further. */
export interface TransportUser {
  /** One whole message, or a keep-alive. */
  received(bytes: Buffer, flow: Flow): void
  /** A STUN packet on a datagram socket (RFC 5626 8). */
  stun?(octets: Buffer, from: HostPort): void
  /** A stream cannot be read any further (RFC 3261 18.3): the head of its last message, and the answer to it. */
  unreadable(head: Buffer, status: number, reason: string, flow: Flow): void
  /** A message is being sent. */
  sent(text: string, flow: Flow): void
  /** A connection has ended. */
  ended(flow: Flow): void
}

/** Sends and receives by one protocol at one local address. */
export interface SipTransport {
  readonly protocol: SipProtocol
  /** Absent: it only opens connections. */
  readonly listener: Listener | undefined
  /** The open flow to a target; by datagrams there is always one. */
  flowTo(to: Target): Flow | undefined
  /** Opens a flow; one for all that ask at the same time. Rejects with TRANSPORT and a reason. */
  connect(to: Target): Promise<Flow>
  /** Absent: it has no certificates. */
  renewTls?(settings: TlsSettings): Promise<void>
  /** Sends a datagram that is not SIP; only datagram transports have it. Rejects with TRANSPORT. */
  sendOctets?(octets: Buffer, to: HostPort): Promise<void>
  /** Idempotent; resolves when the sockets are closed. */
  close(): Promise<void>
}
