import { isIP } from 'node:net'
import type { Clock, Timer } from '../base/clock.js'
import { TelephonyError } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import { RecentSet } from '../base/recent-set.js'
import { parseBlock } from '../sip/admission/address-set.js'
import type { AccountSources, Admission, SipRequest } from '../sip/types.js'

/** Addresses of a host name, in the order to try them; an address is its own. Rejects where there are none. */
export type Lookup = (host: string) => Promise<readonly string[]>

export interface PolicyDeps {
  clock: Clock
  log: Logger
  lookup: Lookup
  /** Calls of this account that live, in both directions. */
  activeCalls: () => number
  /** `sources` are others than before. */
  changed: () => void
}

export interface PolicyInit {
  inboundFrom: 'known' | 'anyone'
  /** Addresses or CIDR blocks, IPv4 and IPv6. */
  allowedSources: readonly string[]
  /** Registrar and proxy hops: host names or addresses. */
  peers: readonly string[]
  maxCalls: number
  /** What strangers get: nothing at all, or 403. */
  strangers?: 'silence' | '403'
}

/** Addresses behind names change: looked up again after this, sooner while a name could not be resolved. */
const LOOKUP_MS = 300_000
const LOOKUP_RETRY_MS = 30_000
/** More than any farm of registrars has; a registrar that answers from ever new addresses must not fill the memory. */
const MAX_LEARNED = 64

/**
 * Which sources may reach an account. Strangers get silence, not 403: an answer would tell a scanner that a telephone lives here and which
 * users exist, and would send packets to an address that may be forged. Requests of known peers are always answered.
 */
export class Policy {
  readonly #deps: PolicyDeps
  readonly #init: PolicyInit
  readonly #byName = new Map<string, readonly string[]>()
  /** Where our registrations were answered from: right too for domains that only SRV records resolve. */
  readonly #learned = new RecentSet<string>(MAX_LEARNED)
  #timer: Timer | undefined
  #closed = false

  constructor(deps: PolicyDeps, init: PolicyInit) {
    this.#deps = deps
    this.#init = init
    checkSources(init.allowedSources)
  }

  get sources(): AccountSources {
    const { allowedSources, inboundFrom, strangers = 'silence' } = this.#init
    const known = new Set([...allowedSources, ...[...this.#byName.values()].flat(), ...this.#learned.values()])
    return { known: [...known], anyone: inboundFrom === 'anyone', strangers }
  }

  /** Looks the peers' names up, and again from time to time. Resolves after the first round. */
  async start(): Promise<void> {
    const found = await Promise.all(this.#init.peers.map((host) => this.#look(host)))
    if (this.#closed || this.#init.peers.every((host) => isIP(host) !== 0)) return
    const waitMs = found.every(Boolean) ? LOOKUP_MS : LOOKUP_RETRY_MS
    this.#timer = this.#deps.clock.setTimeout(() => void this.start(), waitMs)
  }

  learn(address: string): void {
    if (this.#learned.add(address)) this.#deps.changed()
  }

  /** A request of a source that this account hears. */
  admit(request: SipRequest): Admission {
    const { maxCalls } = this.#init
    if (request.method !== 'INVITE' || this.#deps.activeCalls() < maxCalls) return { admit: true }
    this.#deps.log.warn({ maxCalls }, 'call refused: the account has as many calls as it may have')
    // 486: the caller shall hear that the account is busy. 503 would make a proxy take us for broken (RFC 3261 21.5.4).
    return { admit: false, status: 486 }
  }

  close(): void {
    this.#closed = true
    this.#timer?.cancel()
  }

  /** An address of our registrar or proxies. */
  isPeer(address: string): boolean {
    if (this.#learned.has(address)) return true
    for (const addresses of this.#byName.values()) if (addresses.includes(address)) return true
    return false
  }

  async #look(host: string): Promise<boolean> {
    try {
      this.#found(host, await this.#deps.lookup(host))
      return true
    } catch (error) {
      // Addresses that were right a while ago stay valid: calls are not refused because DNS fails.
      this.#deps.log.info({ host, err: error }, 'peer name could not be looked up')
      return this.#byName.has(host)
    }
  }

  #found(host: string, addresses: readonly string[]): void {
    const before = this.#byName.get(host)
    this.#byName.set(host, addresses)
    if (!this.#closed && before?.join() !== addresses.join()) this.#deps.changed()
  }
}

/** BAD_CONFIG where one of them is neither an address nor a CIDR block. */
export function checkSources(sources: readonly string[]): void {
  const wrong = sources.find((source) => !parseBlock(source))
  if (wrong === undefined) return
  throw new TelephonyError(
    'BAD_CONFIG',
    `allowed source “${wrong}” is not a valid address. Use an address, or a block like 192.0.2.0/24 or 2001:db8::/32`,
  )
}
