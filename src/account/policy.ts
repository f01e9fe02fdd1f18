import { isIP } from 'node:net'
import type { Clock, Timer } from '../base/clock.js'
import { TelephonyError } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import { RecentSet } from '../base/recent-set.js'
import { AddressSet, parseBlock } from '../sip/admission/address-set.js'
import type { AccountSources, Admission, SipRequest } from '../sip/types.js'

/** Addresses of a host name, in the order to try them; an address resolves to itself. Rejects if the name has no address. */
export type Lookup = (host: string) => Promise<readonly string[]>

export interface PolicyDeps {
  clock: Clock
  log: Logger
  lookup: Lookup
  /** Number of this account's calls that have not ended, in both directions. */
  activeCalls: () => number
  /** Called when `sources` has changed. */
  changed: () => void
}

export interface PolicyInit {
  inboundFrom: 'known' | 'anyone'
  /** Addresses or CIDR blocks, IPv4 and IPv6. */
  allowedSources: readonly string[]
  /** Registrar and proxies: host names or addresses. */
  peers: readonly string[]
  maxCalls: number
  /** The answer to unknown sources: none, or 403. */
  strangers?: 'silence' | '403'
}

/** Addresses of names change, so names are looked up again; sooner after a failed lookup. */
const LOOKUP_MS = 300_000
const LOOKUP_RETRY_MS = 30_000
/** More than a cluster of registrars has. A registrar that answers from ever new addresses must not fill the memory. */
const MAX_LEARNED = 64

/**
 * Decides which sources may reach an account. Unknown sources get silence, not 403: an answer would show a scanner that a SIP device
 * exists and which users it has, and would send packets to an address that may be forged. Requests of known peers are always answered.
 */
export class Policy {
  readonly #deps: PolicyDeps
  readonly #init: PolicyInit
  readonly #byName = new Map<string, readonly string[]>()
  /** Source addresses of answers to our registrations; needed for domains that only SRV records resolve. */
  readonly #learned = new RecentSet<string>(MAX_LEARNED)
  readonly #allowed = new AddressSet()
  #timer: Timer | undefined
  #closed = false

  constructor(deps: PolicyDeps, init: PolicyInit) {
    this.#deps = deps
    this.#init = init
    checkSources(init.allowedSources)
    for (const source of init.allowedSources) this.#allowed.add(source)
  }

  get sources(): AccountSources {
    const { allowedSources, inboundFrom, strangers = 'silence' } = this.#init
    const known = new Set([...allowedSources, ...[...this.#byName.values()].flat(), ...this.#learned.values()])
    return { known: [...known], anyone: inboundFrom === 'anyone', strangers }
  }

  /** Looks up the peers' names now and at intervals. Resolves after the first round. */
  async start(): Promise<void> {
    const found = await Promise.all(this.#init.peers.map((host) => this.#look(host)))
    if (this.#closed || this.#init.peers.every((host) => isIP(host) !== 0)) return
    const waitMs = found.every(Boolean) ? LOOKUP_MS : LOOKUP_RETRY_MS
    this.#timer = this.#deps.clock.setTimeout(() => void this.start(), waitMs)
  }

  learn(address: string): void {
    if (this.#learned.add(address)) this.#deps.changed()
  }

  /** Decides about a request from an allowed source. */
  admit(request: SipRequest): Admission {
    const { maxCalls } = this.#init
    // RFC 3891: a call that takes the place of another one adds none.
    const isNew = request.method === 'INVITE' && request.header('Replaces') === undefined
    if (!isNew || this.#deps.activeCalls() < maxCalls) return { admit: true }
    this.#deps.log.warn({ maxCalls }, 'call refused: the account has reached its limit of simultaneous calls')
    // 486: the caller learns that the account is busy. After a 503 a proxy would consider us broken (RFC 3261 21.5.4).
    return { admit: false, status: 486 }
  }

  close(): void {
    this.#closed = true
    this.#timer?.cancel()
  }

  /** Whether the address belongs to our registrar or proxies. */
  isPeer(address: string): boolean {
    if (this.#learned.has(address)) return true
    for (const addresses of this.#byName.values()) if (addresses.includes(address)) return true
    return false
  }

  /** Whether the address is that of a known peer: ours, or one of the allowed sources. */
  isKnown(address: string): boolean {
    return this.isPeer(address) || this.#allowed.has(address)
  }

  async #look(host: string): Promise<boolean> {
    try {
      this.#found(host, await this.#deps.lookup(host))
      return true
    } catch (error) {
      // The earlier addresses stay valid: calls must not be refused because DNS fails.
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

/** Throws BAD_CONFIG if an entry is neither an address nor a CIDR block. */
export function checkSources(sources: readonly string[]): void {
  const wrong = sources.find((source) => !parseBlock(source))
  if (wrong === undefined) return
  throw new TelephonyError(
    'BAD_CONFIG',
    `allowed source “${wrong}” is not a valid address. Use an address, or a block like 192.0.2.0/24 or 2001:db8::/32`,
  )
}
