import { randomBetween } from '../../base/ids.js'
import type { FinalResponse } from '../types.js'

/** RFC 3261 14.2, RFC 3311 5.2: the peer still processes another offer; its Retry-After is at most 10 s. */
const MAX_RETRY_AFTER_MS = 10_000

/**
 * RFC 3261 14.1, also for UPDATE (RFC 3311 5.3): the wait after two offers have crossed. 2.1 to 4 s for the owner of the Call-ID, 0 to
 * 2 s for the other side, in units of 10 ms, so that the next offers do not cross again.
 */
export function glareMs(ownsCallId: boolean): number {
  return Math.round((ownsCallId ? randomBetween(2100, 4000) : randomBetween(0, 2000)) / 10) * 10
}

/** The wait before a refused offer may be made again; undefined: the refusal holds. */
export function offerRetryMs(response: FinalResponse, ownsCallId: boolean): number | undefined {
  if ('local' in response) return undefined
  if (response.status === 491) return glareMs(ownsCallId)
  const seconds = /^\s*(\d{1,2})/.exec(response.header('Retry-After') ?? '')?.[1]
  if (response.status !== 500 || seconds === undefined) return undefined
  return Math.min(Number(seconds) * 1000, MAX_RETRY_AFTER_MS)
}
