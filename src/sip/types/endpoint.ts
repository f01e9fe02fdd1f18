import type { SipAddress, SipProtocol } from './address.js'
import type { TlsSettings } from './tls.js'
import type { UserAgent, UserAgentInit } from './user-agent.js'

export interface SipEndpointInit {
  /** Local address to bind, IPv4 or IPv6 without brackets; it decides the IP version of the endpoint. */
  host: string
  /** The first one is preferred. `port` 0: any free port. */
  listeners: readonly { protocol: SipProtocol; port: number }[]
  /** The address that peers use, if it is another one (NAT, wildcard bind). `port`: of the first listener. Default: host and bound port. */
  advertise?: { host: string; port?: number }
  userAgent: string
  /** Needed for a TLS listener. Default: connections to servers whose certificates public authorities have issued. */
  tls?: TlsSettings
  ws?: WsSettings
}

/** SIP over WebSocket (RFC 7118). */
export interface WsSettings {
  /**
   * Origins of the web pages that may connect to the listeners: `https://phone.example.com`; `*` for all. Default: pages that come from the
   * same host. Programs that are not browsers may always connect.
   */
  origins?: readonly string[]
  /** Path of the URLs that we connect to. Default: `/`. */
  path?: string
}

/** A transport with what listens on it. Any number of accounts share its socket. */
export interface SipEndpoint {
  /** Whether its messages are traced, also while the trace of all endpoints is off. */
  isTraced: boolean
  /** Of the first listener. */
  readonly local: SipAddress
  /** Of the first listener: host (IPv6 without brackets) and port in Via and Contact. */
  readonly advertised: { host: string; port: number }
  /** All listeners, in their order. */
  readonly listeners: readonly SipAddress[]
  createUserAgent(init: UserAgentInit): UserAgent
  /** Other PEM texts in place of the old ones, for connections from now on. Those that cannot be used are logged, and the old ones stay. */
  renewTls(settings: TlsSettings): Promise<void>
  /** Where a STUN server sees the UDP socket. Rejects with TRANSPORT. */
  publicAddress(server: { host: string; port: number }): Promise<{ host: string; port: number }>
  /** Idempotent. Resolves when the socket is closed. */
  close(): Promise<void>
}

/** A whole message as it went over the wire, credentials masked. An octet that is not UTF-8 is a lone surrogate (`base/octets`). */
export interface SipTraceLine {
  at: number
  direction: 'in' | 'out'
  local: SipAddress
  remote: SipAddress
  text: string
}

/** Takes the messages of endpoints. */
export interface SipTap {
  /** Takes those of all endpoints; otherwise only those of endpoints that are traced. */
  readonly isOn: boolean
  /** `isTraced`: of its endpoint. */
  message(line: SipTraceLine, isTraced: boolean): void
}
