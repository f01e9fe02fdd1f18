import { isLocal, type SubscriptionEnd } from '../sip/types.js'

/** When a subscription is made again. `atOnce`: without a wait, if it had no failure before. */
export type Retry = 'never' | { atOnce: boolean; minMs: number }

const SOON: Retry = { atOnce: true, minMs: 0 }
const LATER: Retry = { atOnce: false, minMs: 0 }
/** Wrong credentials are not tried often. */
const RARELY: Retry = { atOnce: false, minMs: 900_000 }
/** Asking again does not help: the method, the package or the address. */
const FINAL = new Set([405, 416, 420, 489, 501, 603, 604])
const CREDENTIALS = new Set([401, 403, 407])
const MAX_RETRY_AFTER_SEC = 86_400

/** RFC 6665 4.1.3 for the reasons of a notifier, RFC 6665 4.1.2.2 for refused SUBSCRIBEs. */
export function retryAfter(end: SubscriptionEnd): Retry {
  switch (end.kind) {
    case 'unsubscribed':
    case 'fetched':
      return 'never'
    case 'terminated':
      return byReason(end.reason, Math.min(end.retryAfterSec ?? 0, MAX_RETRY_AFTER_SEC) * 1000)
    case 'refused': {
      const { response, isRefresh } = end
      if (isLocal(response)) return LATER
      // RFC 6665 4.1.2.3: the notifier does not know this subscription any more.
      if (response.status === 481 && isRefresh) return SOON
      if (FINAL.has(response.status)) return 'never'
      return CREDENTIALS.has(response.status) ? RARELY : LATER
    }
    default:
      return LATER
  }
}

function byReason(reason: string, retryMs: number): Retry {
  if (reason === 'rejected' || reason === 'noresource' || reason === 'invariant') return 'never'
  if (retryMs > 0 && reason !== 'deactivated' && reason !== 'timeout') return { atOnce: false, minMs: retryMs }
  return reason === 'deactivated' || reason === 'timeout' ? SOON : LATER
}
