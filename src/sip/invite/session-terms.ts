import { hasTag } from '../message/option-tags.js'
import type { ParsedMessage, ParsedRequest, ParsedResponse } from '../message/parsed-message.js'

/** How long a call lasts without a refresh, and the side that refreshes it (RFC 4028 4). */
export interface SessionTerms {
  expiresSec: number
  refresher: 'us' | 'peer'
}

/** RFC 4028 5: no side may ask for less. */
export const MIN_SESSION_SEC = 90

/** Session-Expires (RFC 4028 4); undefined without a valid one. */
export function sessionExpiresOf(
  message: ParsedMessage,
): { sec: number; refresher: 'uac' | 'uas' | undefined } | undefined {
  const value = message.header('session-expires') ?? ''
  const sec = secondsOf(value)
  if (sec === undefined) return undefined
  const refresher = /;\s*refresher\s*=\s*"?(ua[cs])\b/i.exec(value)?.[1]?.toLowerCase()
  return { sec, refresher: refresher === 'uac' || refresher === 'uas' ? refresher : undefined }
}

/** Min-SE (RFC 4028 5). */
export const minSecOf = (message: ParsedMessage): number | undefined => secondsOf(message.header('min-se') ?? '')

const secondsOf = (value: string): number | undefined => {
  const digits = /^\s*(\d{1,10})\s*(?:;|$)/.exec(value)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

/** Header lines of our INVITE: what we ask for (RFC 4028 7.1); `minSec`: the highest that a 422 has named. */
export function askingLines(expiresSec: number, minSec: number): string[] {
  if (expiresSec === 0) return []
  return [`Session-Expires: ${Math.max(expiresSec, minSec)}`, ...minLines(minSec)]
}

/** Header lines of our re-INVITE and UPDATE: the terms that hold go on, with the same refresher (RFC 4028 7.4). */
export function refreshLines({ expiresSec, refresher }: SessionTerms, minSec: number): string[] {
  const role = refresher === 'us' ? 'uac' : 'uas'
  return [`Session-Expires: ${Math.max(expiresSec, minSec)};refresher=${role}`, ...minLines(minSec)]
}

const minLines = (minSec: number): string[] => (minSec > MIN_SESSION_SEC ? [`Min-SE: ${minSec}`] : [])

/** RFC 4028 9: a caller that knows session timers may be asked for a longer interval: 422 with these lines. */
export function tooShort(request: ParsedRequest): string[] | undefined {
  const asked = sessionExpiresOf(request)
  if (!asked || asked.sec >= MIN_SESSION_SEC || !knowsTimers(request)) return undefined
  return [`Min-SE: ${MIN_SESSION_SEC}`]
}

/**
 * The terms for our 2xx to INVITE or UPDATE (RFC 4028 9): no longer than the peer asks for, no shorter than its Min-SE. `wishSec` 0: we
 * ask for nothing ourselves. `running`: the terms before; their refresher stays unless the peer names one.
 */
export function termsFor(
  request: ParsedRequest,
  wishSec: number,
  running: SessionTerms | undefined,
): SessionTerms | undefined {
  const asked = sessionExpiresOf(request)
  const knows = knowsTimers(request)
  const leastSec = Math.max(minSecOf(request) ?? 0, MIN_SESSION_SEC)
  if (!asked) return knows && wishSec > 0 ? { expiresSec: Math.max(wishSec, leastSec), refresher: 'us' } : undefined
  const expiresSec = Math.max(wishSec > 0 ? Math.min(wishSec, asked.sec) : asked.sec, leastSec)
  // Table 2: a peer that does not know session timers does not refresh.
  if (!knows) return { expiresSec, refresher: 'us' }
  if (asked.refresher) return { expiresSec, refresher: asked.refresher === 'uas' ? 'us' : 'peer' }
  return { expiresSec, refresher: running?.refresher ?? 'peer' }
}

/** Header lines of our 2xx with these terms (RFC 4028 9). */
export function answerLines(request: ParsedRequest, terms: SessionTerms | undefined): string[] {
  if (!terms) return []
  const role = terms.refresher === 'us' ? 'uas' : 'uac'
  const line = `Session-Expires: ${terms.expiresSec};refresher=${role}`
  return knowsTimers(request) ? [line, 'Require: timer'] : [line]
}

/** The terms in the peer's 2xx (RFC 4028 7.2): without Session-Expires the call does not expire. */
export function termsIn(response: ParsedResponse): SessionTerms | undefined {
  const agreed = sessionExpiresOf(response)
  if (!agreed) return undefined
  return { expiresSec: Math.max(agreed.sec, MIN_SESSION_SEC), refresher: agreed.refresher === 'uas' ? 'peer' : 'us' }
}

const knowsTimers = (request: ParsedRequest): boolean =>
  hasTag(request, 'supported', 'timer') || hasTag(request, 'require', 'timer')
