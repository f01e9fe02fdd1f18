import { isIP, isIPv6 } from 'node:net'
import { networkInterfaces } from 'node:os'
import { type HostPort, hostPort } from '../../base/host-port.js'

export type Family = 4 | 6

export const familyOf = (address: string): Family => (isAddress6(address) ? 6 : 4)

/** Only a text with a colon is worth the long regular expression of Node. */
const isAddress6 = (host: string): boolean => host.includes(':') && isIPv6(host)

/** The address where the host of a URI is one, without brackets. */
export function literalAddress(host: string): string | undefined {
  const bare = host.startsWith('[') ? host.slice(1, -1) : host
  return isIP(bare) === 0 ? undefined : bare
}

const WILDCARDS = new Set(['0.0.0.0', '::'])

/** What peers can use instead of a wildcard. */
export function reachable(host: string): string {
  if (!WILDCARDS.has(host)) return host
  const family = familyOf(host)
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  const usable = addresses.find(
    (address) => address.family === `IPv${family}` && !address.internal && !/^fe80:/i.test(address.address),
  )
  return usable?.address ?? (family === 6 ? '::1' : '127.0.0.1')
}

/** The `sent-by` of a Via (RFC 3261 18.1.1), as it is compared: in lower case. */
export const sentByOf = (address: HostPort): string => hostPort(address).toLowerCase()
