/** RFC 3261 18, RFC 7118. */
export type SipProtocol = 'udp' | 'tcp' | 'tls' | 'ws' | 'wss'

/** Where a message came from or goes to. `host` is an IP address; IPv6 without brackets. */
export interface SipAddress {
  protocol: SipProtocol
  host: string
  port: number
}

/** One address that a request can be sent to (RFC 3263 4.2). */
export interface Target extends SipAddress {
  /** The host name of the URI that led to it, for SNI and the certificate (RFC 5922 4). Absent: the URI has an address. */
  name?: string
}
