import { randomFillSync, randomInt } from 'node:crypto'
import { v4, v7 } from 'uuid'

/** Ids of calls, CDRs and media actions; they sort by time. */
export const newId = (): string => v7()

/** RFC 3261 8.1.1.4: globally unique; `UUID@host` as many registrars expect. */
export const newSipCallId = (host: string): string => `${v4()}@${host}`

/** RFC 3261 19.3: at least 32 bits of randomness; here 64. Also used for branches, cnonces, Contact users. */
export function newToken(octets = 8): string {
  if (octets > POOL_OCTETS) throw new RangeError(`a token of ${octets} octets`)
  if (poolAt + octets > POOL_OCTETS) {
    randomFillSync(pool)
    poolAt = 0
  }
  const from = poolAt
  poolAt += octets
  const token = pool.toString('hex', from, poolAt)
  // Used random octets are erased.
  pool.fill(0, from, poolAt)
  return token
}

/** One system call fetches the randomness of many tokens: the call costs far more than the octets. */
const POOL_OCTETS = 4096
const pool = Buffer.alloc(POOL_OCTETS)
let poolAt = POOL_OCTETS

export const randomBetween = (min: number, max: number): number =>
  min + (randomInt(0, 1_000_001) / 1_000_000) * (max - min)
