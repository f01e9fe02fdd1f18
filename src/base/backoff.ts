/** Waits between failed attempts: they double up to a maximum, and are random so that many clients do not return at the same moment. */
export interface BackoffInit {
  baseMs: number
  maxMs: number
  /** The shortest wait as a share of the full wait, 0 to 1. */
  floor: number
}

/** RFC 5626 4.5: W = min(max, base * 2^n); the wait is uniform between floor * W and W. */
export function backoffMs(init: BackoffInit, failures: number, random: (min: number, max: number) => number): number {
  const fullMs = Math.min(init.maxMs, init.baseMs * 2 ** Math.min(failures, 32))
  return Math.round(random(init.floor * fullMs, fullMs))
}
