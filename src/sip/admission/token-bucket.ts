/** So many per second on average, and a burst at once. Pure: time is handed in. */
export class TokenBucket {
  #tokens: number
  #atMs: number

  constructor(burst: number, nowMs: number) {
    this.#tokens = burst
    this.#atMs = nowMs
  }

  /** True where there was one to take. The rate may change from one time to the next. */
  take(rate: { perSecond: number; burst: number }, nowMs: number): boolean {
    const gained = (Math.max(0, nowMs - this.#atMs) * rate.perSecond) / 1000
    this.#tokens = Math.min(rate.burst, this.#tokens + gained)
    this.#atMs = nowMs
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }
}
