/** Detects from signalling that the peer's media is behind a NAT: docs/adr/0006-whose-media-is-heard.md. */
import { isIP, isIPv4 } from 'node:net'
import { isPrivate } from '../base/private-address.js'
import type { SipMessage } from '../sip/types.js'
import { parseNameAddress } from '../sip/uri/name-address.js'

/**
 * Accepted sources of RTP besides the address in SDP. `auto`: a host behind a NAT that signalling proves. `latch`: any port of the hosts
 * that SDP and signalling name, for peers that send from ports other than in their SDP. `any`: the first host that sends, for peers
 * whose media comes from a machine that neither names; a forger that sends first is heard as the peer.
 */
export type MediaSource = 'auto' | 'latch' | 'any'

/** Hosts whose ports may replace the address in SDP. Without `sdpHost` (a host name without an address) only signalling shows the peer's host. */
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

/** '' without a valid Contact. */
function contactHost(message: SipMessage): string {
  return parseNameAddress(message.header('contact') ?? '')?.uri.host ?? ''
}
