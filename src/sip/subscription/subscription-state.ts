import type { SubscriptionState } from '../types.js'
import { parseParams } from '../uri/params.js'

const MAX_SEC = 2 ** 31

/**
 * RFC 6665 8.2.3. An unknown state counts as `active` (RFC 6665 4.1.3 leaves it to the subscriber): the notifier keeps the subscription.
 * Undefined: the header is missing or malformed.
 */
export function parseSubscriptionState(value: string | undefined): SubscriptionState | undefined {
  if (value === undefined) return undefined
  const text = value.trim()
  const semicolon = text.indexOf(';')
  const name = (semicolon < 0 ? text : text.slice(0, semicolon)).trim().toLowerCase()
  const params = semicolon < 0 ? undefined : parseParams(text, semicolon)
  if (!/^[a-z0-9.!%*_+`'~-]+$/.test(name) || (semicolon >= 0 && !params)) return undefined
  const state = name === 'pending' || name === 'terminated' ? name : 'active'
  const reason = params?.get('reason')?.toLowerCase().slice(0, 64)
  const expiresSec = seconds(params?.get('expires'))
  const retryAfterSec = seconds(params?.get('retry-after'))
  return {
    state,
    ...(reason === undefined ? {} : { reason }),
    ...(expiresSec === undefined ? {} : { expiresSec }),
    ...(retryAfterSec === undefined ? {} : { retryAfterSec }),
  }
}

/** Header line. */
export function subscriptionStateLine({ state, reason, expiresSec }: SubscriptionState): string {
  const parameter =
    state === 'terminated' ? `;reason=${reason ?? 'timeout'}` : expiresSec === undefined ? '' : `;expires=${expiresSec}`
  return `Subscription-State: ${state}${parameter}`
}

/** RFC 3261 25.1 delta-seconds. */
export function seconds(text: string | undefined): number | undefined {
  if (text === undefined || !/^\s*\d{1,10}\s*$/.test(text)) return undefined
  return Math.min(Number(text), MAX_SEC)
}
