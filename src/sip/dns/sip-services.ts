import type { SipProtocol } from '../types.js'
import type { SipUri } from '../uri/sip-uri.js'
import type { NaptrRecord } from './records.js'

/** RFC 3261 18.2.2 and 26.2.2; RFC 7118 7 (ports of HTTP). */
export const DEFAULT_PORTS: Record<SipProtocol, number> = { udp: 5060, tcp: 5060, tls: 5061, ws: 80, wss: 443 }

/** RFC 3263 4.1; for WebSocket as Kamailio does it, because RFC 7118 names only the services of NAPTR. */
export const SRV_PREFIXES: Record<SipProtocol, string> = {
  udp: '_sip._udp.',
  tcp: '_sip._tcp.',
  tls: '_sips._tcp.',
  ws: '_sip._ws.',
  wss: '_sips._ws.',
}

/** RFC 3263 4.1, RFC 7118 10.3 (D2W). */
const NAPTR_SERVICES: ReadonlyMap<string, SipProtocol> = new Map([
  ['SIP+D2U', 'udp'],
  ['SIP+D2T', 'tcp'],
  ['SIPS+D2T', 'tls'],
  ['SIP+D2W', 'ws'],
  ['SIPS+D2W', 'wss'],
])

/** Protocols for a `transport` parameter, for sip and for sips, the best first. */
const NAMED: ReadonlyMap<string, { sip: readonly SipProtocol[]; sips: readonly SipProtocol[] }> = new Map([
  ['udp', { sip: ['udp'], sips: [] }],
  // RFC 3261 26.2.2: sips with transport=tcp is TLS.
  ['tcp', { sip: ['tcp'], sips: ['tls'] }],
  ['tls', { sip: ['tls'], sips: ['tls'] }],
  // RFC 7118 5.2: transport=ws stands for both; browsers write it over WSS too.
  ['ws', { sip: ['ws', 'wss'], sips: ['wss'] }],
  ['wss', { sip: ['wss'], sips: ['wss'] }],
])

const SECURE: ReadonlySet<SipProtocol> = new Set(['tls', 'wss'])

interface Ours {
  protocols: readonly SipProtocol[]
  prefer?: SipProtocol | undefined
}

/** Protocols by which we may send to this URI, the best first; none if we do not speak what it demands. */
export function possibleProtocols({ scheme, params }: SipUri, { protocols, prefer }: Ours): readonly SipProtocol[] {
  const isSecure = scheme === 'sips'
  const named = params.get('transport')?.toLowerCase()
  if (named !== undefined) {
    const ways = NAMED.get(named)?.[isSecure ? 'sips' : 'sip'] ?? []
    const speaks = (protocol: SipProtocol) => protocols.includes(protocol)
    const first = prefer !== undefined && ways.includes(prefer) && speaks(prefer) ? prefer : ways.find(speaks)
    return first === undefined ? [] : [first]
  }
  const usable = isSecure ? protocols.filter((protocol) => SECURE.has(protocol)) : protocols
  if (prefer === undefined || prefer === usable[0] || !usable.includes(prefer)) return usable
  return [prefer, ...usable.filter((protocol) => protocol !== prefer)]
}

/**
 * RFC 3263 4.1: the records whose service we speak, by order and preference. Only the flag `s` is defined for SIP: the replacement is a
 * name with SRV records.
 */
export function naptrServices(
  records: readonly NaptrRecord[],
  protocols: readonly SipProtocol[],
): { protocol: SipProtocol; replacement: string }[] {
  const sorted = records.toSorted((a, b) => a.order - b.order || a.preference - b.preference)
  return sorted.flatMap(({ flags, service, replacement }) => {
    const protocol = flags.toLowerCase() === 's' ? NAPTR_SERVICES.get(service.toUpperCase()) : undefined
    return protocol !== undefined && protocols.includes(protocol) ? [{ protocol, replacement }] : []
  })
}
