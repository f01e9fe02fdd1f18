import type { Lookup } from '../account/policy.js'
import type { Clock } from '../base/clock.js'
import type { Logger } from '../base/logger.js'
import { RecentMap } from '../base/recent-map.js'

interface HostNamesDeps {
  clock: Clock
  log: Logger
  lookup: Lookup
}

/** The system does not report how long a DNS record is valid. */
const KEEP_MS = 60_000
const KEEP_FAILURE_MS = 5_000
const MAX_KEPT = 1_000
/** Each lookup occupies one of the process's four threads for files and names until the name server answers or the system times out. */
const MAX_RUNNING = 2
const MAX_WAITING = 100

interface Kept {
  addresses: Promise<readonly string[]>
  untilMs: number
}

/** Looks up host names from the SDP of peers: few at once, with a cache. */
export class HostNames {
  readonly #deps: HostNamesDeps
  readonly #kept = new RecentMap<string, Kept>(MAX_KEPT)
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(deps: HostNamesDeps) {
    this.#deps = deps
  }

  /** IPv4 and IPv6 addresses; an empty list if the name has no address or too many lookups wait. Never rejects. */
  addressesOf(name: string): Promise<readonly string[]> {
    const kept = this.#kept.get(name)
    if (kept && this.#deps.clock.now() < kept.untilMs) return kept.addresses
    if (this.#waiting.length >= MAX_WAITING) {
      this.#deps.log.warn({ name }, 'too many host names wait for a lookup; this name is skipped')
      return Promise.resolve([])
    }
    const started: Kept = { addresses: this.#look(name), untilMs: Number.POSITIVE_INFINITY }
    this.#kept.set(name, started)
    void started.addresses.then((addresses) => {
      started.untilMs = this.#deps.clock.now() + (addresses.length > 0 ? KEEP_MS : KEEP_FAILURE_MS)
    })
    return started.addresses
  }

  async #look(name: string): Promise<readonly string[]> {
    await this.#turn()
    try {
      return await this.#deps.lookup(name)
    } catch (err) {
      this.#deps.log.warn({ err, name }, 'the lookup of a host name in the SDP of a peer failed')
      return []
    } finally {
      // Starts the next lookup.
      const next = this.#waiting.shift()
      if (next) next()
      else this.#running--
    }
  }

  async #turn(): Promise<void> {
    if (this.#running >= MAX_RUNNING) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#running++
  }
}
