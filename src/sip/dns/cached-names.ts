import { isIP } from 'node:net'
import type { Clock } from '../../base/clock.js'
import { TelephonyError } from '../../base/errors.js'
import { Turns } from '../../base/turns.js'
import { AnswerCache } from './answer-cache.js'
import type { NameSource } from './name-source.js'
import type { Family, Names, NaptrRecord, SrvRecord } from './records.js'

export interface CachedNamesInit {
  /** Questions that run at once, and that wait for their turn. */
  atOnce: number
  waiting: number
}

/** Of each type of record. */
const MAX_KEPT = 1_000
/** A name whose lookup failed is asked again soon, but not for each of a burst of requests. */
const FAILED_MS = 2_000
/** Servers that ignore questions for service records go on to do so. */
const FAILED_SERVICE_MS = 60_000

/** Names with a cache of their own, and with limits. */
export class CachedNames implements Names {
  readonly #addresses: Record<Family, AnswerCache<readonly string[]>>
  readonly #srv: AnswerCache<readonly SrvRecord[]>
  readonly #naptr: AnswerCache<readonly NaptrRecord[]>

  constructor(deps: { clock: Clock; source: NameSource }, init: CachedNamesInit) {
    const { clock, source } = deps
    const turns = new Turns(init)
    const cache = <T>(failedMs: number, ask: (name: string) => ReturnType<AnswerCacheAsk<T>>) =>
      new AnswerCache<T>(clock, { failedMs, maxKept: MAX_KEPT, ask: (name) => turns.run(() => ask(name)) })
    this.#addresses = {
      4: cache(FAILED_MS, (name) => source.addresses(name, 4)),
      6: cache(FAILED_MS, (name) => source.addresses(name, 6)),
    }
    this.#srv = cache(FAILED_SERVICE_MS, (name) => source.srv(name))
    this.#naptr = cache(FAILED_SERVICE_MS, (name) => source.naptr(name))
  }

  addresses(name: string, family: Family): Promise<readonly string[]> {
    return this.#addresses[family].get(plainName(name))
  }

  srv(name: string): Promise<readonly SrvRecord[]> {
    return this.#srv.get(plainName(name))
  }

  naptr(name: string): Promise<readonly NaptrRecord[]> {
    return this.#naptr.get(plainName(name))
  }

  async lookup(name: string): Promise<readonly string[]> {
    if (isIP(name) !== 0) return [name]
    const families = await Promise.allSettled([this.addresses(name, 4), this.addresses(name, 6)])
    const found = families.flatMap((result) => (result.status === 'fulfilled' ? result.value : []))
    const failure = families.find((result) => result.status === 'rejected')
    if (found.length > 0) return found
    throw failure?.reason ?? new TelephonyError('TRANSPORT', `the name ${name} cannot be resolved: it has no address`)
  }
}

type AnswerCacheAsk<T> = ConstructorParameters<typeof AnswerCache<T>>[1]['ask']

/** RFC 1034 3.1: letters in either case are equal; a dot at the end stands for the root. */
const plainName = (name: string): string => name.toLowerCase().replace(/\.$/, '')
