import { TelephonyError } from '../../base/errors.js'
import type { Turns } from '../../base/turns.js'
import type { Answer } from './answer-cache.js'
import type { DnsAnswer, DnsClient } from './dns-client.js'
import type { Family, NaptrRecord, SrvRecord } from './records.js'
import type { SystemNames } from './system-names.js'

export interface NameSourceDeps {
  dns: Pick<DnsClient, 'query'>
  system: Pick<SystemNames, 'isListed' | 'lookup'>
  /** Each lookup of the system occupies one of the process's four threads for files and names, for seconds while DNS is silent. */
  lookups: Turns
  /** The DNS servers are set by the user, so the system is not asked for what they do not know. */
  hasOwnServers: boolean
}

/** Bounds for the time of an answer: DNS is not asked for each request, and a server that moves is found again. */
const MIN_TTL_SEC = 5
const MAX_TTL_SEC = 3_600
/** A record that did not exist may be added any time. */
const MAX_NEGATIVE_TTL_SEC = 60
/** The system does not tell how long an answer is valid. */
const SYSTEM_TTL_SEC = 30

/** RFC 6761 6.4: no name below `invalid` exists. Browsers behind a WebSocket name their host so (RFC 7118 5). */
const NOWHERE = /(^|\.)invalid$/
/** Names that DNS does not know: without a dot, this machine's own (RFC 6761 6.3), and mDNS (RFC 6762 3). */
const SYSTEM_ONLY = /^[^.]+$|\.localhost$|\.local$/
const SERVICE_LABELS = /^(_[^.]+\.)+/

/** Decides whether DNS or the system is asked for a name. */
export class NameSource {
  readonly #deps: NameSourceDeps

  constructor(deps: NameSourceDeps) {
    this.#deps = deps
  }

  async addresses(name: string, family: Family): Promise<Answer<readonly string[]>> {
    if (NOWHERE.test(name)) return answer([], MAX_TTL_SEC)
    if (await this.#belongsToSystem(name)) return this.#lookup(name, family)
    const { dns, hasOwnServers } = this.#deps
    try {
      const found = await dns.query(name, family === 6 ? 'AAAA' : 'A')
      if (found.exists || hasOwnServers) return answer([...new Set(found.data)], ttlOf(found))
    } catch (error) {
      if (hasOwnServers) throw unresolved(name, error)
      return this.#lookup(name, family, error)
    }
    return this.#lookup(name, family)
  }

  /** A name in the hosts file has no services: the user has said where it leads. */
  async srv(name: string): Promise<Answer<readonly SrvRecord[]>> {
    if (await this.#belongsToSystem(name.replace(SERVICE_LABELS, ''))) return answer([], SYSTEM_TTL_SEC)
    const found = await this.#deps.dns.query(name, 'SRV')
    return answer(found.data, ttlOf(found))
  }

  async naptr(name: string): Promise<Answer<readonly NaptrRecord[]>> {
    if (await this.#belongsToSystem(name)) return answer([], SYSTEM_TTL_SEC)
    const found = await this.#deps.dns.query(name, 'NAPTR')
    return answer(found.data, ttlOf(found))
  }

  #belongsToSystem(name: string): boolean | Promise<boolean> {
    return SYSTEM_ONLY.test(name) || NOWHERE.test(name) || this.#deps.system.isListed(name)
  }

  /** `earlier`: why DNS failed. */
  async #lookup(name: string, family: Family, earlier?: unknown): Promise<Answer<readonly string[]>> {
    const { lookups, system } = this.#deps
    try {
      const found = await lookups.run(() => system.lookup(name, family))
      if (found.length > 0 || earlier === undefined) return answer(found, SYSTEM_TTL_SEC)
    } catch (error) {
      throw unresolved(name, earlier ?? error)
    }
    throw unresolved(name, earlier)
  }
}

const answer = <T>(value: T, ttlSec: number): Answer<T> => ({ value, ttlMs: ttlSec * 1_000 })

function ttlOf({ data, ttlSec }: DnsAnswer<unknown>): number {
  return Math.max(MIN_TTL_SEC, Math.min(ttlSec, data.length > 0 ? MAX_TTL_SEC : MAX_NEGATIVE_TTL_SEC))
}

function unresolved(name: string, cause: unknown): TelephonyError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new TelephonyError('TRANSPORT', `the name ${name} cannot be resolved: ${why}`, { cause })
}
