/** Pure, so without node:net. RFC 1918, RFC 6598, RFC 3927, loopback: a packet that has passed a NAT never has one of these as its source. */
const PRIVATE =
  /^(?:10|127|192\.168|172\.(?:1[6-9]|2\d|3[01])|169\.254|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\.(?:\d+\.)*\d+$/

/** Of an IPv4 address. */
export const isPrivate = (address: string): boolean => PRIVATE.test(address) && address.split('.').length === 4
