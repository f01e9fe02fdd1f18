export const defaults = {
  version: 2,
  name: '',
  /** Id of the sip-transport. */
  transport: '',
  /** Id of the sip-proxy, '' for none. */
  proxy: '',
  /** `auto`: the protocol that the address of the proxy or registrar names, UDP by default. */
  protocol: 'auto' as 'auto' | 'udp' | 'tcp' | 'tls' | 'ws' | 'wss',
  aor: '',
  displayName: '',
  /** Empty: the user part of the AOR. */
  authUser: '',
  /** The realm that may ask for the password. Empty: only the registrar and the proxies may ask. */
  realm: '',
  /** Empty: the domain of the AOR. */
  registrar: '',
  register: true,
  expires: '600',
  codecs: ['PCMA', 'PCMU'] as ('PCMA' | 'PCMU')[],
  ringTimeout: '30',
  dtmfTone: '160',
  maxCalls: '10',
  /** Outgoing calls within a minute; '0' means no limit. */
  callsPerMinute: '0',
  /** Patterns such as `+49*`, separated by commas. Empty: all targets. */
  allowedTargets: '',
  blockedTargets: '',
  allowEmergency: false,
  inboundFrom: 'known' as 'known' | 'anyone',
  /** Addresses or CIDR blocks, IPv4 and IPv6, separated by commas. */
  allowedSources: '',
  /** The answer to all other sources. */
  strangers: 'silence' as 'silence' | '403',
  /** Header names, separated by commas. */
  exposeHeaders: '',
  mediaTimeout: '20',
  /** An answered call ends when no node acts in it for this time, in seconds; '0' means never. */
  abandonedAfter: '600',
  /** Dial plan, applied to numbers only. */
  stripPrefix: '',
  addPrefix: '',
  countryCode: '',
  /** PRACK (RFC 3262). */
  reliableProvisional: 'supported' as 'off' | 'supported' | 'required',
  /** Session timer in seconds (RFC 4028); '0' means none. */
  sessionExpires: '1800',
  /** Calls are placed without an offer. */
  delayedOffer: false,
  /** The registrar may reach us by the flow that we register over, and give us a GRUU (RFC 5626, 5627). */
  outbound: true,
  /** The Contact takes the address that the registrar sees. */
  rewriteContact: true,
  /** Without a registration: a flow to the proxy or server is kept open. */
  keepFlow: false,
  /** What a 3xx of the called party leads to. */
  redirects: 'follow' as 'follow' | 'own-domain' | 'refuse',
  /** Where the caller ID of a call is written. */
  callerIdBy: 'from' as 'from' | 'pai' | 'ppi',
  /** How digits are sent; `auto`: RFC 4733 if the peer supports it, else INFO. */
  dtmfMode: 'auto' as 'auto' | 'rfc4733' | 'info',
  mediaSource: 'auto' as 'auto' | 'latch',
  /** A transfer that the peer of a call asks for. */
  transfers: 'deny' as 'deny' | 'flow' | 'follow',
  orphanedCalls: 'hangup' as 'hangup' | 'keep',
}
export type Config = typeof defaults
export interface Credentials {
  password?: string
}
