import { isIPv6 } from 'node:net'
import { TelephonyError } from '../base/errors.js'
import type { HostPort } from '../base/host-port.js'
import { MAX_PORT } from '../base/limits.js'
import { transportIn } from './uri-protocol.js'

/** The parts of an address of record: `sip:alice@example.com:5070`, `sips:alice@example.com`. */
export interface Aor {
  uri: string
  user: string
  /** Host, with `:port` if the address has a port. Dialled numbers without a host get this domain. */
  domain: string
}

const SIP_PORT = 5060
const SIPS_PORT = 5061
/** RFC 3261 25.1 `hostname` and `IPv4address`; `_` occurs in real host names. */
const HOST = /^(?!-)[a-z0-9._-]{1,253}$/i
/** RFC 3261 25.1 `user`: unreserved, escaped, user-unreserved. */
export const USER = /^(?:[\w.!~*'()&=+$,;?/-]|%[0-9a-f]{2})+$/i

/** Takes `alice@example.com`, `sip:alice@example.com` and `sips:alice@example.com`. */
export function parseAor(text: string): Aor {
  const [, scheme = 'sip:', bare = ''] = /^(sips?:)?(.*)$/is.exec(text.trim()) ?? []
  const at = bare.lastIndexOf('@')
  const user = bare.slice(0, Math.max(0, at))
  const host = bare.slice(at + 1)
  const domain = isIPv6(host) ? `[${host}]` : host
  if (at < 1 || !USER.test(user) || !parseHostPort(domain)) {
    const why = portFault(domain) ?? 'Use one like alice@example.com'
    throw new TelephonyError('BAD_CONFIG', `“${text}” is not a valid address of record. ${why}`)
  }
  return { uri: `${scheme.toLowerCase()}${user}@${domain}`, user: decodeUser(user), domain }
}

/** Text for an error message if the port of `host:port` is out of range. */
export function portFault(hostPort: string): string | undefined {
  const port = /:(\d+)$/.exec(hostPort.replace(/[;?].*$/, '').replace(/^.*[@\]]/, ''))?.[1]
  return port !== undefined && Number(port) > MAX_PORT ? `Port ${port} is not between 1 and ${MAX_PORT}` : undefined
}

/**
 * Host and port of `host`, `host:port`, `sip:host:port;lr` or `sips:host`; undefined for any other text. The host is in lower case, IPv6 in its
 * shortest spelling, as in source addresses. `usualPort`: if the text names neither a
 * port nor a protocol.
 */
export function parseHostPort(text: string, usualPort = SIP_PORT): HostPort | undefined {
  const bare = text
    .trim()
    .replace(/^<(.*)>$/, '$1')
    .replace(/^sips?:/i, '')
    .replace(/^[^@;?]*@/, '')
    .replace(/[;?].*$/, '')
  const usual = namedPort(text) ?? usualPort
  if (isIPv6(bare)) return { host: shortest(bare), port: usual }
  const [, name, ipv6, port] = /^(?:([^:[\]]+)|\[([^\]]+)\])(?::(\d{1,5}))?$/.exec(bare) ?? []
  const host = name ?? ipv6
  if (!host || !(ipv6 ? isIPv6(ipv6) : HOST.test(host)) || Number(port ?? usual) > MAX_PORT) return undefined
  return { host: ipv6 ? shortest(ipv6) : host.toLowerCase(), port: Number(port ?? usual) }
}

/** RFC 3261 19.1.2, RFC 7118 8. */
function namedPort(uri: string): number | undefined {
  const isSecure = /^\s*<?\s*sips:/i.test(uri)
  const transport = transportIn(uri)
  if (transport === 'ws') return isSecure ? 443 : 80
  if (transport === 'wss') return 443
  return isSecure || transport === 'tls' ? SIPS_PORT : undefined
}

/** RFC 5952; the zone is kept. */
function shortest(ipv6: string): string {
  const [address = '', ...zone] = ipv6.split('%')
  return [new URL(`http://[${address}]`).hostname.slice(1, -1), ...zone].join('%')
}

export function decodeUser(user: string): string {
  try {
    return decodeURIComponent(user)
  } catch {
    return user
  }
}
