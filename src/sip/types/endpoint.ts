import type { SipAddress, TransportProtocol } from './address.js'
import type { UserAgent, UserAgentInit } from './user-agent.js'

export interface SipEndpointInit {
  protocol: TransportProtocol
  /** Local address to bind, IPv4 or IPv6 without brackets; it decides which of both the endpoint speaks. */
  host: string
  /** 0: any free port. */
  port: number
  /** What peers shall use to reach us where that differs (NAT, wildcard bind). Default: host and bound port. */
  advertise?: { host: string; port?: number }
  userAgent: string
}

/** A transport with what listens on it. Any number of accounts share its socket. */
export interface SipEndpoint {
  readonly local: SipAddress
  /** Host (IPv6 without brackets) and port that stand in Via and Contact. */
  readonly advertised: { host: string; port: number }
  createUserAgent(init: UserAgentInit): UserAgent
  /** Idempotent. Resolves when the socket is closed. */
  close(): Promise<void>
}

/** One line of the SIP ladder: a whole message as it went over the wire, secrets masked. */
export interface SipTraceLine {
  at: number
  direction: 'in' | 'out'
  local: string
  remote: string
  text: string
}
