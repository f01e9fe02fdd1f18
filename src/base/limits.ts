/** Limits that the engine keeps and the forms tell. */

/** Digits that one gather can wait for; so many pressed ones are also kept for the next. */
export const MAX_GATHER_DIGITS = 64
