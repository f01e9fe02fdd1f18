import { lookup } from 'node:dns/promises'
import type { Clock } from '../../base/clock.js'
import { TelephonyError } from '../../base/errors.js'
import type { Family } from './address.js'

/** The address of a host name in this family. */
export type Resolve = (hostName: string, family: Family) => Promise<string>

/** The system's resolver does not tell how long an answer is valid. Addresses of servers that fail over change within minutes. */
const VALID_MS = 30_000
/** A name that cannot be resolved is asked again soon, but not for each of a burst of requests. */
const FAILED_MS = 2_000
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
}

/** Keeps answers for a while: a call sends several requests to one host, and each question may take seconds. */
export function cached(resolve: Resolve, clock: Pick<Clock, 'now'>): Resolve {
  const answers = new Map<string, Answer>()

  const ask = (key: string, hostName: string, family: Family): Answer => {
    const answer: Answer = { address: resolve(hostName, family), validUntilMs: Number.POSITIVE_INFINITY }
    const settled = (validMs: number) => () => {
      answer.validUntilMs = clock.now() + validMs
    }
    answer.address.then(settled(VALID_MS), settled(FAILED_MS))
    answers.delete(key) // the newest stands last
    answers.set(key, answer)
    const [oldest] = answers.keys()
    if (answers.size > MAX_NAMES && oldest !== undefined) answers.delete(oldest)
    return answer
  }

  return (hostName, family) => {
    const key = `${family} ${hostName.toLowerCase()}`
    const known = answers.get(key)
    const isValid = known !== undefined && clock.now() < known.validUntilMs
    return (isValid ? known : ask(key, hostName, family)).address
  }
}
