import { isIPv6 } from 'node:net'
import { TelephonyError } from '../base/errors.js'
import type { HostPort } from '../base/host-port.js'
import { parseHostPort, portFault } from './aor.js'
import { protocolOf } from './uri-protocol.js'

/** One entry of a route set: a Route header value and its address. */
export interface Via extends HostPort {
  route: string
}

/** Far fewer than a Max-Forwards of 70 allows (RFC 3261 8.1.1.6), and more than people configure. */
const MAX_PROXIES = 16

/** Proxies in their order. An entry may hold several proxies, separated by commas. Throws BAD_CONFIG for one that is not valid. */
export function parseRoute(entries: readonly string[]): Via[] {
  const texts = entries.flatMap((entry) => entry.split(',')).map((text) => text.trim())
  const vias = texts.filter((text) => text !== '').map(parseVia)
  if (vias.length > MAX_PROXIES)
    throw badConfig(`${vias.length} proxies are too many: at most ${MAX_PROXIES} are possible`)
  return vias
}

/**
 * `proxy.example.com`, `proxy.example.com:5060;lr`, `sip:proxy.example.com`, `sips:proxy.example.com`, each also in angle brackets: a loose router. With `;strict` a
 * strict one (RFC 3261 16.12.1.1: a URI without `lr`); this mark is ours and is not sent.
 */
function parseVia(text: string): Via {
  const unmarked = text.replace(STRICT, '')
  const isStrict = unmarked !== text
  const bare = unmarked.replace(/^<(.*)>$/, '$1').trim()
  const address = parseHostPort(bare)
  const uri = /^sips?:/i.test(bare) ? bare : `sip:${isIPv6(bare) ? `[${bare}]` : bare}`
  if (!address || /[\s<>",?]/.test(uri)) {
    const why = portFault(bare) ?? 'Use one like sip:proxy.example.com:5060 or proxy.example.com'
    throw badConfig(`“${text}” is not a valid proxy. ${why}`)
  }
  protocolOf(uri)
  const isLoose = LOOSE.test(uri)
  if (isStrict && isLoose) {
    throw badConfig(`“${text}”: a strict router has no lr. Take out ;lr, or do not choose strict`)
  }
  return { route: `<${uri}${isStrict || isLoose ? '' : ';lr'}>`, ...address }
}

const STRICT = /\s*;strict(?=\s*(?:[;>]|$))/gi
const LOOSE = /;lr(?=[;=]|$)/i

const badConfig = (message: string): TelephonyError => new TelephonyError('BAD_CONFIG', message)
