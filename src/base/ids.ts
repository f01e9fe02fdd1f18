import { randomFillSync, randomInt } from 'node:crypto'
import { v4, v7 } from 'uuid'

/** Ids of calls, CDRs and media actions; they sort by the order in which they were made. */
export function newId(): string {
  const nowMs = Date.now()
  // RFC 9562 6.2: a counter orders the ids of one millisecond, and goes on if the clock is set back.
  if (nowMs > lastMs) {
    lastMs = nowMs
    counter = randomCounter()
  } else if (++counter > MAX_COUNTER) {
    lastMs++
    counter = randomCounter()
  }
  return v7({ random: takeOctets(UUID_OCTETS), msecs: lastMs, seq: counter })
}

const UUID_OCTETS = 16
/** uuid takes 32 bits; half of them are left to count. */
const MAX_COUNTER = 0x7fffffff
let lastMs = 0
let counter = 0

const randomCounter = (): number => takeOctets(4).readUInt32BE() & (MAX_COUNTER >> 1)

/** RFC 3261 8.1.1.4: globally unique; `UUID@host` as many registrars expect. */
export const newSipCallId = (host: string): string => `${v4()}@${host}`

/** RFC 3261 19.3: at least 32 bits of randomness; here 64. Also used for branches, cnonces, Contact users. */
export function newToken(octets = 8): string {
  return takeOctets(octets).toString('hex')
}

/** One system call fetches the randomness of many tokens: the call costs far more than the octets. */
const POOL_OCTETS = 4096
const pool = Buffer.alloc(POOL_OCTETS)
let poolAt = POOL_OCTETS

/** Random octets that are given out once. */
function takeOctets(octets: number): Buffer {
  if (octets > POOL_OCTETS) throw new RangeError(`a token of ${octets} octets`)
  if (poolAt + octets > POOL_OCTETS) {
    randomFillSync(pool)
    poolAt = 0
  }
  const from = poolAt
  poolAt += octets
  const taken = Buffer.from(pool.subarray(from, poolAt))
  // Used random octets are erased.
  pool.fill(0, from, poolAt)
  return taken
}

export const randomBetween = (min: number, max: number): number =>
  min + (randomInt(0, 1_000_001) / 1_000_000) * (max - min)
