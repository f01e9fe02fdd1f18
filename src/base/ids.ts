import { randomBytes, randomInt } from 'node:crypto'
import { v4, v7 } from 'uuid'

/** Sortable by time: the id of calls, CDRs and media actions. */
export const newId = (): string => v7()

/** RFC 3261 8.1.1.4: globally unique; `UUID@host` as many registrars expect. */
export const newSipCallId = (host: string): string => `${v4()}@${host}`

/** RFC 3261 19.3: at least 32 bits of randomness; here 64. Also used for branches, cnonces, Contact users. */
export const newToken = (octets = 8): string => randomBytes(octets).toString('hex')

export const randomBetween = (min: number, max: number): number =>
  min + (randomInt(0, 1_000_001) / 1_000_000) * (max - min)
