import type { Clock } from '../../base/clock.js'
import { RecentMap } from '../../base/recent-map.js'
import type { SipAddress, Target } from '../types.js'

/** A target that has failed is tried last for so long; twice as long after each further failure. */
const REST_MS = 30_000
const MAX_REST_MS = 300_000
/** A server that asks for more in Retry-After is tried again after this time. */
const MAX_RETRY_AFTER_SEC = 3_600
const MAX_KEPT = 1_000

interface Rest {
  failures: number
  untilMs: number
}

/** Remembers which targets have failed lately, and which one worked last for each name. */
export class TargetHealth {
  readonly #clock: Pick<Clock, 'now'>
  readonly #rests = new RecentMap<string, Rest>(MAX_KEPT)
  readonly #favourites = new RecentMap<string, string>(MAX_KEPT)

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock
  }

  /** `retryAfterSec`: of a 503 (RFC 3261 21.5.4). */
  failed(target: Target, retryAfterSec?: number): void {
    const key = keyOf(target)
    const failures = this.#rests.get(key)?.failures ?? 0
    const restMs =
      retryAfterSec === undefined || retryAfterSec <= 0
        ? Math.min(REST_MS * 2 ** failures, MAX_REST_MS)
        : Math.min(retryAfterSec, MAX_RETRY_AFTER_SEC) * 1_000
    this.#rests.set(key, { failures: Math.min(failures + 1, 30), untilMs: this.#clock.now() + restMs })
  }

  /** It has answered. */
  worked(target: Target): void {
    const key = keyOf(target)
    this.#rests.delete(key)
    if (target.name !== undefined && this.#favourites.get(target.name) !== key) this.#favourites.set(target.name, key)
  }

  isResting(target: SipAddress): boolean {
    const rest = this.#rests.get(keyOf(target))
    return rest !== undefined && this.#clock.now() < rest.untilMs
  }

  /**
   * The order of the tries. Each group holds equals, the best group stands first. Within a group the target that worked last comes first, so
   * that the requests of an account go to one server. Targets that rest come last; if all of them rest, the order is the same.
   */
  ordered(groups: readonly (readonly Target[])[]): Target[] {
    const awake: Target[] = []
    const resting: Target[] = []
    for (const group of groups) {
      const [first] = group
      const favourite = first?.name === undefined ? undefined : this.#favourites.get(first.name)
      const isFavourite = (target: Target): number => Number(keyOf(target) === favourite)
      const sorted = favourite === undefined ? group : group.toSorted((a, b) => isFavourite(b) - isFavourite(a))
      for (const target of sorted) (this.isResting(target) ? resting : awake).push(target)
    }
    return [...awake, ...resting]
  }
}

const keyOf = ({ protocol, host, port }: SipAddress): string => `${protocol} ${host} ${port}`
