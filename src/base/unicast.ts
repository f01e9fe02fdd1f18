/** Pure, so without node:net. */

/**
 * Whether an IPv4 or IPv6 address is the address of one machine: neither unspecified (RFC 1122 3.2.1.3, RFC 4291 2.5.2) nor
 * broadcast nor a multicast group (RFC 5771, RFC 4291 2.7).
 */
export function isUnicast(address: string): boolean {
  if (address.includes(':')) return !/^[0:.]+$|^ff[\da-f]{2}:/i.test(address)
  return !/^(?:0|22[4-9]|23\d)\.|^255\.255\.255\.255$/.test(address)
}
