import { BlockList, isIP, isIPv6 } from 'node:net'
import type { Clock, Timer } from '../base/clock.js'
import { TelephonyError } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import type { Admission, SipRequest } from '../sip/types.js'

/** Addresses of a host name, in the order to try them; an address is its own. Rejects where there are none. */
export type Lookup = (host: string) => Promise<readonly string[]>

export interface PolicyDeps {
  clock: Clock
  log: Logger
  lookup: Lookup
  /** Calls of this account that live, in both directions. */
  activeCalls: () => number
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
/** A scanner must not fill the log either. */
const REFUSALS_LOGGED_PER_MINUTE = 10

/**
 * Who may reach an account. Strangers get silence, not 403: an answer would tell a scanner that a telephone lives here and which
 * users exist, and would send packets to whoever's address was forged. What known peers send is answered always.
 */
export class Policy {
  readonly #deps: PolicyDeps
  readonly #init: PolicyInit
  readonly #allowed: BlockList
  readonly #byName = new Map<string, readonly string[]>()
  /** Where our registrations were answered from: right too for domains that only SRV records resolve. */
  readonly #learned = new Set<string>()
  #timer: Timer | undefined
  #closed = false
  #refusals = { sinceMs: 0, count: 0 }

  constructor(deps: PolicyDeps, init: PolicyInit) {
    this.#deps = deps
    this.#init = init
    this.#allowed = parseSources(init.allowedSources)
  }

  /** Looks the peers' names up, and again from time to time. Resolves after the first round. */
  async start(): Promise<void> {
    const found = await Promise.all(this.#init.peers.map((host) => this.#look(host)))
    if (this.#closed || this.#init.peers.every((host) => isIP(host) !== 0)) return
    const waitMs = found.every(Boolean) ? LOOKUP_MS : LOOKUP_RETRY_MS
    this.#timer = this.#deps.clock.setTimeout(() => void this.start(), waitMs)
  }

  learn(address: string): void {
    this.#learned.add(address)
  }

  admit(request: SipRequest): Admission {
    const known = this.#isKnown(request.source.host)
    if (!known && this.#init.inboundFrom !== 'anyone') {
      this.#logRefusal(request)
      return { admit: false, status: this.#init.strangers === '403' ? 403 : 0, known: false, stranger: true }
    }
    // 486: this line is busy, which is what the caller shall hear. 503 would make a proxy take us for broken (RFC 3261 21.5.4).
    if (request.method === 'INVITE' && this.#deps.activeCalls() >= this.#init.maxCalls) {
      this.#deps.log.warn({ maxCalls: this.#init.maxCalls }, 'call refused: as many calls as the account may have')
      return { admit: false, status: 486, known }
    }
    return { admit: true, known }
  }

  /** Whether a source may hear of us at all. */
  answers(address: string): boolean {
    const { inboundFrom, strangers } = this.#init
    return inboundFrom === 'anyone' || strangers === '403' || this.#isKnown(address)
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

  #isKnown(address: string): boolean {
    return this.#allowed.check(address.replace(/%.*$/, ''), familyOf(address)) || this.isPeer(address)
  }

  async #look(host: string): Promise<boolean> {
    try {
      this.#byName.set(host, await this.#deps.lookup(host))
      return true
    } catch (error) {
      // Addresses that were right a while ago stay: DNS trouble is no reason to refuse calls.
      this.#deps.log.warn({ host, err: error }, 'peer name could not be looked up')
      return this.#byName.has(host)
    }
  }

  #logRefusal(request: SipRequest): void {
    const nowMs = this.#deps.clock.now()
    if (nowMs - this.#refusals.sinceMs >= 60_000) this.#refusals = { sinceMs: nowMs, count: 0 }
    if (++this.#refusals.count > REFUSALS_LOGGED_PER_MINUTE) return
    const { method, source } = request
    this.#deps.log.info({ method, source: `${source.host}:${source.port}` }, 'request of a stranger: not answered')
  }
}

/** BAD_CONFIG where one of them is neither an address nor a CIDR block. */
export function parseSources(sources: readonly string[]): BlockList {
  const list = new BlockList()
  for (const source of sources) {
    const [address = '', length, ...rest] = source.trim().split('/')
    const longest = isIPv6(address) ? 128 : 32
    const bits = length ?? String(longest)
    if (isIP(address) === 0 || !/^\d{1,3}$/.test(bits) || Number(bits) > longest || rest.length > 0) {
      throw new TelephonyError(
        'BAD_CONFIG',
        `allowed source “${source}”: give an address, or a block like 192.0.2.0/24 or 2001:db8::/32`,
      )
    }
    list.addSubnet(address, Number(bits), familyOf(address))
  }
  return list
}

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIPv6(address) ? 'ipv6' : 'ipv4')
