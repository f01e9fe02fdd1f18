/** Addresses as SDP writes them (RFC 8866 9); pure, so without node:net. */

export type AddressFamily = 4 | 6

const IPV4 = /^(25[0-5]|2[0-4]\d|1?\d?\d)(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}$/

/** Undefined for a host name, a multicast group with its TTL, or an empty text. */
export function ipVersionOf(address: string | undefined): AddressFamily | undefined {
  if (address === undefined) return undefined
  if (IPV4.test(address)) return 4
  return isIPv6(address) ? 6 : undefined
}

/** RFC 4291 2.2, without a zone, which is valid only on its own machine. */
function isIPv6(address: string): boolean {
  if (!address.includes(':') || address.length > 45 || !/^[\da-f:.]+$/i.test(address)) return false
  const [head = '', tail, ...more] = address.split('::')
  if (more.length > 0) return false
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'))
  const all = [...groups(head), ...groups(tail ?? '')]
  const last = all.at(-1) ?? ''
  // `::ffff:192.0.2.1`: the last two groups may be an IPv4 address.
  const embedded = last.includes('.')
  const hex = embedded ? all.slice(0, -1) : all
  if (embedded && (!IPV4.test(last) || address.endsWith(':'))) return false
  const count = hex.length + (embedded ? 2 : 0)
  return hex.every((group) => /^[\da-f]{1,4}$/i.test(group)) && (tail === undefined ? count === 8 : count <= 7)
}

/** RFC 8866 5.7: a unicast host may be an FQDN; names of a local network, such as `pbx`, occur too. */
export function isHostName(text: string): boolean {
  const labels = text.replace(/\.$/, '').split('.')
  // A last label of digits means a mistyped address.
  if (text.length > 253 || /^\d*$/.test(labels.at(-1) ?? '')) return false
  return labels.every((label) => /^[\w-]{1,63}$/.test(label))
}

/** RFC 3264 8.4, and the same in IPv6: an unspecified address asks for silence. */
export const isUnspecified = (address: string): boolean => /^0\.0\.0\.0$|^[0:]+$/.test(address)

/** The form that sockets use too (RFC 5952), so that it can be compared with the source of packets. */
export const canonical = (address: string): string =>
  isIPv6(address) ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address
