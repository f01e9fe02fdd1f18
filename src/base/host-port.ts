/** Where a socket is. */
export interface HostPort {
  /** A host name or an address; IPv6 without brackets. */
  host: string
  port: number
}

/** The host of a URI or Via: an IPv6 address in brackets (RFC 3261 25.1), without its zone, which only this machine understands. */
export function uriHost(host: string): string {
  const isBareIPv6 = host.includes(':') && !host.startsWith('[')
  return isBareIPv6 ? `[${host.replace(/%.*$/, '')}]` : host
}

/** `host:port` as text. */
export const hostPort = ({ host, port }: HostPort): string => `${uriHost(host)}:${port}`
