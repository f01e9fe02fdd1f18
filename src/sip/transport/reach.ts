import { hostPort } from '../../base/host-port.js'
import { isUnicast } from '../../base/unicast.js'
import type { SipAddress, SipProtocol } from '../types.js'
import { parseUri, type SipUri } from '../uri/sip-uri.js'
import { type Family, familyOf, literalAddress } from './address.js'

/** RFC 6761 6.4: no name below it exists. Browsers behind a WebSocket name their host so (RFC 7118 5). */
const NO_HOST = /(^|\.)invalid$/
/** Parameters that say where a URI leads, beside host and port (RFC 3261 19.1.1). */
const DESTINATION: ReadonlySet<string> = new Set(['transport', 'maddr'])

/** Why an endpoint of these protocols and this family cannot send a request to that URI, whatever DNS says; undefined where it can. */
export function unreachable(uri: SipUri, protocols: ReadonlySet<SipProtocol>, family: Family): string | undefined {
  const { text, host, port } = uri
  const named = protocolOf(uri)
  if (named === 'none' || (named !== undefined && !protocols.has(named))) {
    return `${text} asks for another transport than ${[...protocols].join(' and ').toUpperCase()}`
  }
  if (host === '' || port === 0 || NO_HOST.test(host)) return `${text} names no host that exists`
  const address = literalAddress(host)
  if (address !== undefined && !isUnicast(address)) return notOneMachine(address)
  if (address !== undefined && familyOf(address) !== family) {
    return `${address}: this transport speaks IPv${family} only`
  }
  return undefined
}

/** The protocol that a URI asks for (RFC 3261 19.1.1, 26.2.2); undefined if it leaves the choice; `none`: we have nothing of this name. */
export function protocolOf({ scheme, params }: SipUri): SipProtocol | 'none' | undefined {
  const named = params.get('transport')?.toLowerCase()
  if (scheme === 'sip') return named === undefined ? undefined : (PLAIN.get(named) ?? 'none')
  if (scheme === 'sips') return named === undefined ? 'tls' : (SECURE.get(named) ?? 'none')
  return 'none'
}

const PLAIN = new Map<string, SipProtocol>((['udp', 'tcp', 'tls', 'ws', 'wss'] as const).map((name) => [name, name]))
/** RFC 3261 26.2.2, RFC 7118 5.2: each hop is encrypted. */
const SECURE = new Map<string, SipProtocol>([
  ['tcp', 'tls'],
  ['tls', 'tls'],
  ['ws', 'wss'],
  ['wss', 'wss'],
])

export const notOneMachine = (address: string): string => `${address} is not the address of one machine`

/** The same user and parameters at the address that a message came from. */
export function uriAt(source: SipAddress, uri: SipUri | undefined): SipUri {
  const userInfo = /^sips?:([^@]*@)/i.exec(uri?.text ?? '')?.[1] ?? ''
  let text = `sip:${userInfo}${hostPort(source)}`
  if (uri) text += uri.params.textWithout(DESTINATION)
  if (source.protocol !== 'udp') text += `;transport=${source.protocol}`
  const made = parseUri(text)
  if (!made) throw new Error(`${text} is not a URI`)
  return made
}
