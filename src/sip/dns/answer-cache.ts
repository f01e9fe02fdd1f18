import type { Clock } from '../../base/clock.js'
import { RecentMap } from '../../base/recent-map.js'

export interface Answer<T> {
  value: T
  /** How long it is valid. */
  ttlMs: number
}

export interface AnswerCacheInit<T> {
  ask(key: string): Promise<Answer<T>>
  /** How long a failed question is not asked again if there is no earlier answer. */
  failedMs: number
  maxKept: number
}

/** A caller waits so long for a new answer if there is an old one. A BYE must not wait for DNS. */
const PATIENCE_MS = 1_000
/** RFC 8767 5: how long an old answer is used after its time while DNS fails or is silent, and when DNS is asked again after it failed. */
const STALE_MS = 86_400_000
const RECHECK_MS = 30_000

interface Entry<T> {
  /** The last outcome, settled. */
  last?: Promise<T>
  lastIsFailure: boolean
  /** Until then an answer is used if there is no newer one. */
  staleUntilMs: number
  /** The question is not asked again before. */
  nextMs: number
  asking?: Promise<T> | undefined
  /** The last question failed, or took longer than callers wait: the old answer is used without waiting. */
  isTroubled: boolean
}

/** Keeps answers as long as they are valid. A question is asked once, however many callers wait for it. */
export class AnswerCache<T> {
  readonly #clock: Pick<Clock, 'now' | 'setTimeout'>
  readonly #init: AnswerCacheInit<T>
  readonly #entries: RecentMap<string, Entry<T>>

  constructor(clock: Pick<Clock, 'now' | 'setTimeout'>, init: AnswerCacheInit<T>) {
    this.#clock = clock
    this.#init = init
    this.#entries = new RecentMap(init.maxKept)
  }

  get(key: string): Promise<T> {
    const nowMs = this.#clock.now()
    const entry = this.#entries.get(key) ?? { lastIsFailure: false, staleUntilMs: 0, nextMs: 0, isTroubled: false }
    if (entry.last && nowMs < entry.nextMs) return entry.last
    const asking = entry.asking ?? this.#ask(key, entry)
    if (!entry.last) return asking
    if (entry.lastIsFailure) return this.#impatient(entry, asking, entry.last)
    if (nowMs >= entry.staleUntilMs) return asking
    return entry.isTroubled ? entry.last : this.#impatient(entry, asking, entry.last)
  }

  #ask(key: string, entry: Entry<T>): Promise<T> {
    this.#entries.set(key, entry)
    const question = this.#init.ask(key)
    const asking = question.then(({ value }) => value)
    entry.asking = asking
    // Callers that use the last answer do not wait for this one.
    asking.catch(() => undefined)
    question.then(
      ({ ttlMs }) => this.#answered(entry, asking, ttlMs),
      () => this.#failed(entry, asking),
    )
    return asking
  }

  #answered(entry: Entry<T>, answer: Promise<T>, ttlMs: number): void {
    entry.asking = undefined
    entry.last = answer
    entry.lastIsFailure = false
    entry.isTroubled = false
    entry.nextMs = this.#clock.now() + ttlMs
    entry.staleUntilMs = entry.nextMs + STALE_MS
  }

  #failed(entry: Entry<T>, failure: Promise<T>): void {
    entry.asking = undefined
    const nowMs = this.#clock.now()
    if (entry.last && !entry.lastIsFailure && nowMs < entry.staleUntilMs) {
      entry.isTroubled = true
      entry.nextMs = nowMs + RECHECK_MS
      return
    }
    entry.last = failure
    entry.lastIsFailure = true
    entry.nextMs = nowMs + this.#init.failedMs
  }

  /** The new outcome if it comes soon; otherwise the last one. A failure does not replace an answer. */
  #impatient(entry: Entry<T>, asking: Promise<T>, last: Promise<T>): Promise<T> {
    return new Promise((resolve) => {
      const useLast = () => resolve(last)
      const timer = this.#clock.setTimeout(() => {
        entry.isTroubled = true
        useLast()
      }, PATIENCE_MS)
      asking.then(resolve, useLast).finally(() => timer.cancel())
    })
  }
}
