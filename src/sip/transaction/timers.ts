/** RFC 3261 17.1.1.1 and table 4, in milliseconds, for unreliable transports. */
export const T1 = 500
/** Longest interval between retransmissions of requests other than INVITE and of responses to INVITE. */
export const T2 = 4_000
/** How long a message may stay in the network. */
export const T4 = 5_000
/** 64*T1: Timers B, D (at least 32 s), F, H, J, L, M. On reliable transports A, D, E, G, I, J and K are zero or never armed (table 4). */
export const TRANSACTION_MS = 64 * T1
