/** RFC 3261 18, RFC 7118. */
export type SipProtocol = 'udp' | 'tcp' | 'tls' | 'ws' | 'wss'

/** What a transport listens on, at one port. */
export type TransportProtocol = 'udp' | 'tcp' | 'udp+tcp'

/** Where a message came from or goes to. IPv6 without brackets. */
export interface SipAddress {
  protocol: SipProtocol
  host: string
  port: number
}

/** One address that a next hop may be reached at. */
export interface Target extends SipAddress {
  /**
   * The domain of the URI that led to it, for SNI, the check of the certificate (RFC 5922 4: not the host name from an SRV record) and the
   * Host header of a WebSocket. Absent: the URI holds only an address.
   */
  name?: string
}
