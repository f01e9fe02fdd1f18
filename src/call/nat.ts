/** What signalling shows of a NAT in front of the peer's media: docs/adr/0006-whose-media-is-heard.md. */
import { isIP, isIPv4 } from 'node:net'
import type { SipMessage } from '../sip/types.js'
import { parseNameAddr } from '../sip/uri/name-addr.js'

/**
 * Whose RTP is heard beside the address in SDP. `auto`: a NATed host's, where signalling proves the NAT. `latch`: any port of the hosts
 * that SDP and signalling name, the owner's choice for peers that send from ports they do not tell. `any`: the first host that sends,
 * for peers whose media comes from a machine that neither names; a forger that is first is heard as the peer.
 */
export type MediaSource = 'auto' | 'latch' | 'any'

/** Hosts of which any port may stand in for the address in SDP; undefined where that is a name without an address: signalling alone says where the peer is. */
export function natHosts(
  sdpHost: string | undefined,
  message: SipMessage | undefined,
  choice: MediaSource,
): string[] | 'any' {
  if (choice === 'any') return 'any'
  const signalling = message?.source.host
  if (sdpHost === undefined) return signalling ? [signalling] : []
  if (choice === 'latch')
    return [...new Set([sdpHost, ...(signalling ? [signalling] : [])])].filter((host) => isIP(host) !== 0)
  if (!message || !signalling || !isIPv4(signalling) || isPrivate(signalling)) return []
  return isPrivate(sdpHost) || isPrivate(contactHost(message)) ? [signalling] : []
}

/** '' where there is no Contact that can be read. */
function contactHost(message: SipMessage): string {
  return parseNameAddr(message.header('contact') ?? '')?.sipUri.parts.host ?? ''
}

/** RFC 1918, RFC 6598, RFC 3927, loopback: never the source of a packet that came from somewhere else through a NAT. */
function isPrivate(host: string): boolean {
  if (!isIPv4(host)) return false
  const [a = 0, b = 0] = host.split('.').map(Number)
  if (a === 10 || a === 127) return true
  if (a === 172) return b >= 16 && b < 32
  if (a === 192) return b === 168
  if (a === 100) return b >= 64 && b < 128
  return a === 169 && b === 254
}
