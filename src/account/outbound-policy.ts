/** The targets that an account may call. Every command that places a call is checked here, after the dial plan. */
import type { Clock } from '../base/clock.js'
import { TelephonyError } from '../base/errors.js'
import type { SipUri } from '../sip/uri/sip-uri.js'
import { spellingsOf } from './dial-plan.js'
import { emergencyNumberIn } from './emergency.js'
import type { Target } from './target.js'

export interface OutboundRules {
  /** Only these targets may be called; empty or absent: every target. */
  allowedTargets?: readonly string[]
  /** These targets are never called, even if `allowedTargets` has them. */
  blockedTargets?: readonly string[]
  /** Emergency numbers may be called; absent: no. */
  allowEmergency?: boolean
}

const PATTERN = /^[^\s,<>"]{1,128}$/
const MAX_PATTERNS = 1000

/** Throws BAD_CONFIG if a pattern is not valid. */
export function checkPatterns({ allowedTargets = [], blockedTargets = [] }: OutboundRules): void {
  for (const patterns of [allowedTargets, blockedTargets]) {
    if (patterns.length > MAX_PATTERNS)
      throw badConfig(`${patterns.length} patterns are too many: at most ${MAX_PATTERNS} are possible`)
    for (const pattern of patterns) {
      if (!PATTERN.test(normal(pattern)))
        throw badConfig(`“${pattern}” is not a valid pattern. Use one like +49*, 10?? or *@example.com`)
    }
  }
}

/** Throws TARGET_BLOCKED if the account's settings forbid this target. `typed` is the target before the dial plan. */
export function checkOutbound(
  rules: OutboundRules,
  call: { typed: string; target: Target; domain: string; countryCode?: string },
): void {
  const { typed, target } = call
  const countryCode = call.countryCode ?? ''
  const emergency = emergencyNumberIn(target.user, countryCode) ?? emergencyNumberIn(bareNumber(typed), countryCode)
  if (emergency !== undefined && !rules.allowEmergency) {
    throw blocked(`${emergency} is an emergency number, and the account does not allow emergency calls`)
  }
  const { address, numbers, isOurs } = formsOf(call)
  const matches = (pattern: string, forms: readonly string[]): boolean =>
    forms.some((form) => glob(normal(pattern), form))
  const against = rules.blockedTargets?.find((pattern) => matches(pattern, [...numbers, address]))
  if (against !== undefined)
    throw blocked(`“${typed.trim()}” is blocked: it matches “${against}” in the account’s blocked targets`)
  const allowed = rules.allowedTargets ?? []
  if (allowed.length === 0) return
  // A pattern for numbers allows numbers at the account's own exchange, not the same number at another host.
  const fits = (pattern: string): boolean =>
    pattern.includes('@') ? matches(pattern, [address]) : isOurs && matches(pattern, numbers)
  if (!allowed.some(fits))
    throw blocked(`“${typed.trim()}” is blocked: it matches none of the account’s allowed targets`)
}

/** Texts that patterns are compared with: the sent and the typed number in each usual spelling, and the whole address. */
function formsOf(call: { typed: string; target: Target; domain: string; countryCode?: string }) {
  const { typed, target, domain, countryCode = '' } = call
  const host = hostOf(destinationOf(target.uri))
  const user = normal(target.user.split(';', 1)[0] ?? '')
  const numbers = [user, normal(bareNumber(typed))].flatMap((number) => spellingsOf(number, countryCode))
  return { address: `${user}@${host}`, numbers, isOurs: host === hostOf(domain) }
}

/** RFC 3261 19.1.1: a request with `maddr` goes there, whatever the host says. */
const destinationOf = (uri: SipUri): string => uri.params.get('maddr') ?? uri.host

/** Whether requests to this URI go to a domain (`host`, or `host:port`). */
export const isWithin = (uri: SipUri, domain: string): boolean =>
  hostOf(uri.host) === hostOf(domain) && hostOf(destinationOf(uri)) === hostOf(domain)

/** Number or name without scheme, host and parameters. */
const bareNumber = (typed: string): string =>
  typed
    .trim()
    .replace(/^(sips?|tel):/i, '')
    .replace(/[@;].*$/, '')

/** One spelling of a host: no port, no final dot, `127.1` and `[0:0::1]` in the resolver's spelling. */
const hostOf = (text: string): string => {
  const bare = text.replace(/[;?].*$/, '').toLowerCase()
  const host = /^\[.*?\]/.exec(bare)?.[0] ?? bare.replace(/:\d+$/, '').replace(/\.+$/, '')
  return URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : host
}

/** One spelling of a number or address: without separators, `00` as `+`, hosts as in `hostOf`. */
function normal(text: string): string {
  const lower = text.trim().toLowerCase()
  const [, user, host] = /^(.*@)([^*?]+)$/.exec(lower) ?? []
  if (user !== undefined && host !== undefined) return user + hostOf(host)
  const digits = lower.replace(/[\s().\-/\u00a0]/g, '')
  if (!/^\+?[\d*#?]+$/.test(digits)) return lower
  return digits.replace(/^00(?=[1-9])/, '+')
}

/** `*` is any text, `?` one character. Backtracks only to the last `*`, so no pattern makes it slow. */
export function glob(pattern: string, text: string): boolean {
  let [p, t, star, resume] = [0, 0, -1, 0]
  while (t < text.length) {
    if (pattern[p] === '*') {
      star = p++
      resume = t
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === text[t])) {
      p++
      t++
    } else if (star >= 0) {
      p = star + 1
      t = ++resume
    } else {
      return false
    }
  }
  while (pattern[p] === '*') p++
  return p === pattern.length
}

const MINUTE_MS = 60_000

/** Counts the calls that each account has placed within the last minute. */
export class CallRates {
  readonly #clock: Clock
  readonly #startedMs = new Map<string, number[]>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Number of accounts that have placed a call within about the last minute; other accounts use no memory. */
  get size(): number {
    return this.#startedMs.size
  }

  /** Counts one call. Throws CALL_RATE if the limit is reached. 0: no limit. */
  take(accountId: string, perMinute: number): void {
    if (perMinute <= 0) return
    if (!this.#startedMs.has(accountId)) this.#forgetIdle()
    const nowMs = this.#clock.now()
    const recent = (this.#startedMs.get(accountId) ?? []).filter((startedMs) => nowMs - startedMs < MINUTE_MS)
    const counted = recent.slice(-perMinute)
    const oldestMs = counted[0]
    if (oldestMs !== undefined && counted.length >= perMinute) {
      const waitSec = Math.ceil((oldestMs + MINUTE_MS - nowMs) / 1000)
      throw new TelephonyError(
        'CALL_RATE',
        `the account may place ${perMinute} calls a minute. The next call is possible in ${waitSec} s`,
      )
    }
    this.#startedMs.set(accountId, [...counted, nowMs])
  }

  #forgetIdle(): void {
    const nowMs = this.#clock.now()
    for (const [accountId, startedMs] of this.#startedMs) {
      if (nowMs - (startedMs.at(-1) ?? 0) >= MINUTE_MS) this.#startedMs.delete(accountId)
    }
  }
}

const blocked = (message: string): TelephonyError => new TelephonyError('TARGET_BLOCKED', message)
const badConfig = (message: string): TelephonyError => new TelephonyError('BAD_CONFIG', message)
