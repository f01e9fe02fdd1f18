/** Limits that the engine enforces and the forms name. */

/** The most digits that one gather waits for. As many digits are kept for the next gather. */
export const MAX_GATHER_DIGITS = 64
/** A CDR keeps this many of the last digits that the peer pressed. */
export const MAX_CDR_DIGITS = 256
/** The highest port of UDP and TCP. */
export const MAX_PORT = 65_535
