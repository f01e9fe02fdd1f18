/** What a message may be at most: an attacker's memory and time, not a peer's needs. */
export const MAX_MESSAGE_OCTETS = 65_536
export const MAX_REQUEST_URI_OCTETS = 512
export const MAX_HEADER_VALUES = 256
/** RFC 3261 8.1.1.5 */
export const MAX_CSEQ = 2 ** 31 - 1
/** RFC 3261 18.1.1: a larger one goes by TCP where the peer takes it. */
export const MAX_DATAGRAM_REQUEST_OCTETS = 1_300
