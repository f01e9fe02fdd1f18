/** RFC 3261 18. Others (TLS, WebSocket) will stand here. */
export type SipProtocol = 'udp' | 'tcp'

/** What a transport listens on, at one port. */
export type TransportProtocol = SipProtocol | 'udp+tcp'

/** Where a message came from or goes to. IPv6 without brackets. */
export interface SipAddress {
  protocol: SipProtocol
  host: string
  port: number
}
