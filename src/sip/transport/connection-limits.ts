/** ROBUSTNESS: a peer that stalls in mid-message is let go within 35 s, even if it trickles octets in the meantime. */
export const MESSAGE_MS = 30_000
/** Limit of the octets that wait for a peer that does not read. */
export const MAX_UNSENT_OCTETS = 1_048_576
