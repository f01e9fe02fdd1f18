import { isUnicast } from '../../base/unicast.js'
import type { SipAddress } from '../types.js'
import { parseUri, type SipUri } from '../uri/sip-uri.js'
import { familyOf, hostPort, literalAddress } from './address.js'

/** Local addresses of the endpoint, the preferred protocol first. */
type Local = readonly { local: SipAddress }[]

/** RFC 6761 6.4: no name below it exists. Browsers behind a WebSocket name their host so (RFC 7118 5). */
const NO_HOST = /(^|\.)invalid$/
/** Parameters that say where a URI leads, beside host and port (RFC 3261 19.1.1). */
const DESTINATION: ReadonlySet<string> = new Set(['transport', 'maddr'])

/** Why this endpoint cannot send a request to that URI, whatever DNS says; undefined where it can. */
export function unreachable({ text, scheme, host, port, params }: SipUri, transports: Local): string | undefined {
  const named = params.get('transport')?.toLowerCase()
  if (scheme !== 'sip' || (named !== undefined && !transports.some(({ local }) => local.protocol === named))) {
    const ours = transports.map(({ local }) => local.protocol)
    return `${text} asks for another transport than ${ours.join(' and ').toUpperCase()}`
  }
  if (host === '' || port === 0 || NO_HOST.test(host)) return `${text} names no host that exists`
  const address = literalAddress(host)
  if (address !== undefined && !isUnicast(address)) return notOneMachine(address)
  const family = familyOf(transports[0]?.local.host ?? '')
  if (address !== undefined && familyOf(address) !== family) {
    return `${address}: this transport speaks IPv${family} only`
  }
  return undefined
}

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
