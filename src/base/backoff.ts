/** Waits between attempts that fail: doubling up to a maximum, spread by chance so that many clients do not return in step. */
export interface BackoffInit {
  baseMs: number
  maxMs: number
  /** Share of the full wait that is the least, 0 to 1. */
  floor: number
}

/** RFC 5626 4.5: W = min(max, base * 2^n), the wait is uniform between floor and 100 % of W. */
export function backoffMs(init: BackoffInit, failures: number, random: (min: number, max: number) => number): number {
  const fullMs = Math.min(init.maxMs, init.baseMs * 2 ** Math.min(failures, 32))
  return Math.round(random(init.floor * fullMs, fullMs))
}
