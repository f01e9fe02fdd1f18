/** The clock is handed in, so that every timer can be tested. All durations are in milliseconds. */
export interface Clock {
  /** Monotonic time in ms, counted from an arbitrary origin. */
  now(): number
  /** Wall-clock time in ms since 1970: only for texts that people read (CDR, logs) and for RTCP's NTP fields. */
  wall(): number
  setTimeout(run: () => void, ms: number): Timer
}

export interface Timer {
  /** Idempotent. */
  cancel(): void
}

/** setTimeout treats larger delays as 1 ms. */
const MAX_DELAY_MS = 0x7fffffff

export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  setTimeout(run, ms) {
    const handle = setTimeout(run, Math.min(Math.max(0, ms), MAX_DELAY_MS))
    return { cancel: () => clearTimeout(handle) }
  },
}
