import { isIPv6 } from 'node:net'
import { TelephonyError } from '../base/errors.js'
import { MAX_PORT } from '../base/limits.js'

/** The parts of an address of record: `sip:alice@example.com:5070`. */
export interface Aor {
  uri: string
  user: string
  /** Host, with `:port` if the address has a port. Dialled numbers without a host get this domain. */
  domain: string
}

export interface HostPort {
  /** In lower case. IPv6 in its shortest spelling without brackets, as in source addresses. */
  host: string
  port: number
}

const SIP_PORT = 5060
/** RFC 3261 25.1 `hostname` and `IPv4address`; `_` occurs in real host names. */
const HOST = /^(?!-)[a-z0-9._-]{1,253}$/i
/** RFC 3261 25.1 `user`: unreserved, escaped, user-unreserved. */
export const USER = /^(?:[\w.!~*'()&=+$,;?/-]|%[0-9a-f]{2})+$/i

/** Takes `alice@example.com` and `sip:alice@example.com`. */
export function parseAor(text: string): Aor {
  const bare = text.trim().replace(/^sip:/i, '')
  const at = bare.lastIndexOf('@')
  const user = bare.slice(0, Math.max(0, at))
  const host = bare.slice(at + 1)
  const domain = isIPv6(host) ? `[${host}]` : host
  if (at < 1 || !USER.test(user) || !parseHostPort(domain)) {
    const why = portFault(domain) ?? 'Use one like alice@example.com'
    throw new TelephonyError('BAD_CONFIG', `“${text}” is not a valid address of record. ${why}`)
  }
  return { uri: `sip:${user}@${domain}`, user: decodeUser(user), domain }
}

/** Text for an error message if the port of `host:port` is out of range. */
export function portFault(hostPort: string): string | undefined {
  const port = /:(\d+)$/.exec(hostPort.replace(/[;?].*$/, '').replace(/^.*[@\]]/, ''))?.[1]
  return port !== undefined && Number(port) > MAX_PORT ? `Port ${port} is not between 1 and ${MAX_PORT}` : undefined
}

/** Host and port of `host`, `host:port` or `sip:host:port;lr`; undefined for any other text. `usualPort`: if the text has none. */
export function parseHostPort(text: string, usualPort = SIP_PORT): HostPort | undefined {
  const bare = text
    .trim()
    .replace(/^<(.*)>$/, '$1')
    .replace(/^sip:/i, '')
    .replace(/^[^@;?]*@/, '')
    .replace(/[;?].*$/, '')
  if (isIPv6(bare)) return { host: shortest(bare), port: usualPort }
  const [, name, ipv6, port] = /^(?:([^:[\]]+)|\[([^\]]+)\])(?::(\d{1,5}))?$/.exec(bare) ?? []
  const host = name ?? ipv6
  if (!host || !(ipv6 ? isIPv6(ipv6) : HOST.test(host)) || Number(port ?? usualPort) > MAX_PORT) return undefined
  return { host: ipv6 ? shortest(ipv6) : host.toLowerCase(), port: Number(port ?? usualPort) }
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
