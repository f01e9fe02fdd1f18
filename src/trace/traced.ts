/** What a trace holds: SIP messages and media packets, the same for our own traffic and for a capture that somebody else made. */

export type TraceProtocol = 'udp' | 'tcp' | 'tls' | 'ws' | 'wss'

/** `host` is an IP address, IPv6 without brackets. */
export interface TracePlace {
  host: string
  port: number
}

export interface TracedMessage {
  /** Ms since 1970. */
  at: number
  protocol: TraceProtocol
  from: TracePlace
  to: TracePlace
  /** Secrets masked. Octets that are not UTF-8 are lone surrogates, see `base/octets`. */
  text: string
}

export interface TracedPacket {
  /** Ms since 1970. */
  at: number
  kind: 'rtp' | 'rtcp'
  from: TracePlace
  to: TracePlace
  /** From the RTP or RTCP header on. */
  octets: Uint8Array
}

/** `192.0.2.1:5060`, `[2001:db8::1]:5060`. */
export const placeText = ({ host, port }: TracePlace): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
