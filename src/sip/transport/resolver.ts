import { lookup } from 'node:dns/promises'
import { isIP, isIPv4 } from 'node:net'
import { TelephonyError } from '../../base/errors.js'

/** The IPv4 address of a host name. */
export type Resolve = (hostName: string) => Promise<string>

/** A record by the system's resolver. RFC 3263 (NAPTR, SRV) will stand behind the same function. */
export const resolveBySystem: Resolve = async (hostName) => {
  try {
    return (await lookup(hostName, { family: 4 })).address
  } catch (error) {
    throw new TelephonyError('TRANSPORT', `cannot resolve ${hostName}`, { cause: error })
  }
}

/**
 * The address itself where the host is one: no promise, so that messages leave in the order in which they were sent.
 */
export function literalAddress(host: string): string | undefined {
  if (isIPv4(host)) return host
  if (isIP(host.replace(/^\[|\]$/g, '')) === 6)
    throw new TelephonyError('TRANSPORT', `${host}: this transport speaks IPv4 only`)
  return undefined
}
