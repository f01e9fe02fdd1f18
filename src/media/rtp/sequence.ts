/** Arithmetic of RTP's 16 bit sequence numbers and 32 bit timestamps, which wrap. */

/** How far `a` is ahead of `b`: -32768 to 32767. */
export const sequenceDelta = (a: number, b: number): number => ((a - b) << 16) >> 16

/** How far `a` is ahead of `b`: -2^31 to 2^31 - 1. */
export const timestampDelta = (a: number, b: number): number => (a - b) | 0

export const nextSequence = (sequence: number): number => (sequence + 1) & 0xffff

export const addTimestamp = (timestamp: number, samples: number): number => (timestamp + samples) >>> 0
