import { lookup } from 'node:dns/promises'
import type { Clock } from '../../base/clock.js'
import { TelephonyError } from '../../base/errors.js'
import { RecentMap } from '../../base/recent-map.js'
import type { Names } from '../dns/records.js'
import type { Family } from './address.js'

/** The address of a host name in this family. */
export type Resolve = (hostName: string, family: Family) => Promise<string>

/** The system's resolver does not tell how long an answer is valid. Addresses of servers that fail over change within minutes. */
const VALID_MS = 30_000
/** A name that cannot be resolved is asked again soon, but not for each of a burst of requests. */
const FAILED_MS = 2_000
/** RFC 8767: the last address goes on to be used for so long while DNS fails, or says nothing for so long. A BYE must not wait for it. */
const STALE_MS = 3_600_000
const PATIENCE_MS = 1_000
const MAX_NAMES = 1_000

/** A or AAAA record by the system's resolver. RFC 3263 (NAPTR, SRV) will stand behind the same function. */
export const resolveBySystem: Resolve = async (hostName, family) => {
  try {
    return (await lookup(hostName, { family })).address
  } catch (error) {
    throw new TelephonyError('TRANSPORT', `the name ${hostName} cannot be resolved`, { cause: error })
  }
}

interface Answer {
  address: Promise<string>
  validUntilMs: number
  /** The last address that was found. */
  last?: { address: string; staleUntilMs: number }
}

/** Keeps answers for a while: a call sends several requests to one host, and each question may take seconds. */
export function cached(resolve: Resolve, clock: Pick<Clock, 'now' | 'setTimeout'>): Resolve {
  const answers = new RecentMap<string, Answer>(MAX_NAMES)

  return (hostName, family) => {
    const key = `${family} ${hostName.toLowerCase()}`
    const known = answers.get(key)
    if (known && clock.now() < known.validUntilMs) return known.address
    const answer = ask(resolve(hostName, family), clock, known?.last)
    answers.set(key, answer)
    return answer.address
  }
}

function ask(fresh: Promise<string>, clock: Pick<Clock, 'now' | 'setTimeout'>, last: Answer['last']): Answer {
  const usable = last && clock.now() < last.staleUntilMs ? last : undefined
  const answer: Answer = { address: fresh, validUntilMs: Number.POSITIVE_INFINITY, ...(usable ? { last: usable } : {}) }
  if (usable) {
    answer.address = new Promise((found) => {
      const useLast = () => found(usable.address)
      const timer = clock.setTimeout(useLast, PATIENCE_MS)
      fresh.then(found, useLast).finally(() => timer.cancel())
    })
  }
  fresh.then(
    (address) => {
      answer.address = fresh
      answer.validUntilMs = clock.now() + VALID_MS
      answer.last = { address, staleUntilMs: clock.now() + STALE_MS }
    },
    () => {
      answer.validUntilMs = clock.now() + FAILED_MS
    },
  )
  return answer
}

/** Names with nothing but one address of each family. */
export const namesBy = (resolve: Resolve): Names => ({
  addresses: async (name, family) => [await resolve(name, family)],
  srv: async () => [],
  naptr: async () => [],
  lookup: async (name) => [await resolve(name, 4)],
})
