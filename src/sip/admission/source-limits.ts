import type { Clock } from '../../base/clock.js'
import { TokenBucket } from './token-bucket.js'

export interface Limits {
  /** Requests a second of all unknown sources; each has an equal share of it. */
  requestsPerSecond: number
  /** No source's share is less, as long as all together keep within theirs. */
  leastPerSecond: number
  /** INVITEs without a final answer, or with a 2xx that has no ACK. */
  halfOpen: number
  /** Of these for unknown sources; the rest is kept for those that are known. */
  halfOpenOfUnknown: number
  leastHalfOpen: number
  /** Calls at once of one unknown source, answered or not. */
  callsPerSource: number
  /** Unknown sources that are told apart; more share what one may have. */
  sources: number
}

/**
 * A half-open call costs about 10 kB for up to 32 s, a refused one some hundred octets at most. A known peer's fit what comes in a
 * second at the highest rate: a machine that pauses for that long refuses no peer.
 */
export const LIMITS: Limits = {
  requestsPerSecond: 3_000,
  leastPerSecond: 40,
  halfOpen: 2_000,
  halfOpenOfUnknown: 400,
  leastHalfOpen: 10,
  callsPerSource: 1_000,
  sources: 4_096,
}

/** The place that one inbound call takes. Both are idempotent. */
export interface CallPlace {
  /** It stands: both sides have acknowledged it. */
  established(): void
  ended(): void
}

interface Source {
  bucket: TokenBucket
  lastMs: number
  toldMs: number
  halfOpen: number
  calls: number
}

const IDLE_MS = 5_000
const TELL_EVERY_MS = 1_000

/**
 * What one endpoint takes from each source. Known sources (registrar, proxies, the list) have room that no flood can take from them;
 * unknown ones, where an account takes calls from anyone, share the rest evenly.
 */
export class SourceLimits {
  readonly #clock: Clock
  readonly #limits: Limits
  /** In the order in which they were last heard. */
  readonly #sources = new Map<string, Source>()
  /** Of all unknown sources together: forged ones are new each time. */
  readonly #all: TokenBucket
  #halfOpen = 0
  #halfOpenOfUnknown = 0

  constructor(clock: Clock, limits: Partial<Limits> = {}) {
    this.#clock = clock
    this.#limits = { ...LIMITS, ...limits }
    this.#all = new TokenBucket(this.#limits.requestsPerSecond, clock.now())
  }

  get halfOpen(): number {
    return this.#halfOpen
  }

  /** A request of an unknown source: `take`, `tell` it that it is too much, or say nothing. */
  request(address: string): 'take' | 'tell' | 'ignore' {
    const nowMs = this.#clock.now()
    const source = this.#source(address, nowMs)
    const { requestsPerSecond, leastPerSecond } = this.#limits
    const perSecond = Math.max(leastPerSecond, requestsPerSecond / this.#sources.size)
    const all = { perSecond: requestsPerSecond, burst: requestsPerSecond }
    if (source.bucket.take({ perSecond, burst: perSecond }, nowMs) && this.#all.take(all, nowMs)) return 'take'
    if (nowMs - source.toldMs < TELL_EVERY_MS) return 'ignore'
    source.toldMs = nowMs
    return 'tell'
  }

  /** Room for an INVITE; undefined: none. */
  call(address: string, known: boolean): CallPlace | undefined {
    if (this.#halfOpen >= this.#limits.halfOpen) return undefined
    if (known) return this.#place(undefined)
    const source = this.#source(address, this.#clock.now())
    const { halfOpenOfUnknown, leastHalfOpen, callsPerSource } = this.#limits
    const share = Math.max(leastHalfOpen, halfOpenOfUnknown / this.#sources.size)
    const isFull = this.#halfOpenOfUnknown >= halfOpenOfUnknown
    if (isFull || source.halfOpen >= share || source.calls >= callsPerSource) return undefined
    return this.#place(source)
  }

  #place(source: Source | undefined): CallPlace {
    let state: 'half-open' | 'established' | 'ended' = 'half-open'
    this.#count(source, 1)
    if (source) source.calls++
    return {
      established: () => {
        if (state !== 'half-open') return
        state = 'established'
        this.#count(source, -1)
      },
      ended: () => {
        if (state === 'ended') return
        if (state === 'half-open') this.#count(source, -1)
        if (source) source.calls--
        state = 'ended'
      },
    }
  }

  #count(source: Source | undefined, by: 1 | -1): void {
    this.#halfOpen += by
    if (!source) return
    this.#halfOpenOfUnknown += by
    source.halfOpen += by
  }

  #source(address: string, nowMs: number): Source {
    this.#forget(nowMs)
    const wanted = sourceKey(address)
    const key = this.#sources.has(wanted) || this.#sources.size < this.#limits.sources ? wanted : OTHERS
    const known = this.#sources.get(key)
    const source = known ?? newSource(nowMs)
    source.lastMs = nowMs
    this.#sources.delete(key)
    this.#sources.set(key, source)
    return source
  }

  /** Those that have been silent for a while and hold no call. */
  #forget(nowMs: number): void {
    for (const [key, source] of this.#sources) {
      if (nowMs - source.lastMs < IDLE_MS) return
      this.#sources.delete(key)
      if (source.calls === 0) continue
      // Its calls count against it still: it goes to the end of the line.
      source.lastMs = nowMs
      this.#sources.set(key, source)
    }
  }
}

const OTHERS = 'others'

/** What a source may send at once when it is new, as far as its share goes. */
const FIRST_BURST = 300

const newSource = (nowMs: number): Source => ({
  bucket: new TokenBucket(FIRST_BURST, nowMs),
  lastMs: nowMs,
  toldMs: Number.NEGATIVE_INFINITY,
  halfOpen: 0,
  calls: 0,
})

/** RFC 6177: a host with one IPv6 address has 2^64 of them. */
function sourceKey(address: string): string {
  if (!address.includes(':')) return address
  const [head = '', tail = ''] = address.split('::', 2)
  const groups = head === '' ? [] : head.split(':')
  const missing = address.includes('::') ? 8 - groups.length - (tail === '' ? 0 : tail.split(':').length) : 0
  return [...groups, ...Array(Math.max(0, missing)).fill('0')].slice(0, 4).join(':')
}
