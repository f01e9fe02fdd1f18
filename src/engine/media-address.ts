import { isIP } from 'node:net'
import type { Lookup } from '../account/policy.js'
import type { Clock, Timer } from '../base/clock.js'
import type { Logger } from '../base/logger.js'
import { within } from './deadline.js'

interface MediaAddressDeps {
  clock: Clock
  log: Logger
  lookup: Lookup
}

/** Names behind a dynamic address move to another one; those of peers are looked up as often. */
const LOOKUP_MS = 300_000
/** An account does not wait longer for its name. */
const FIRST_LOOKUP_MS = 2_000

/**
 * The address that stands in SDP. A public name is looked up: SDP may name hosts (RFC 4566 5.7), but hardly a telephone looks them up.
 * Until the name is known it stands there itself.
 */
export class MediaAddress {
  readonly #deps: MediaAddressDeps
  readonly #name: string
  readonly #family: number
  #host: string
  #timer: Timer | undefined
  #closed = false

  /** `local`: what media binds to; its family is media's. */
  constructor(deps: MediaAddressDeps, init: { advertised: string; local: string }) {
    this.#deps = deps
    this.#name = init.advertised
    this.#host = init.advertised
    this.#family = isIP(init.local)
  }

  get host(): string {
    return this.#host
  }

  /** Resolves when the name is known, or is not to be waited for. */
  async start(): Promise<void> {
    if (isIP(this.#name) === 0) await within(FIRST_LOOKUP_MS, this.#look(), this.#deps.clock)
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true
    this.#timer?.cancel()
  }

  async #look(): Promise<void> {
    const { clock, log, lookup } = this.#deps
    try {
      const addresses = await lookup(this.#name)
      const host = addresses.find((address) => isIP(address) === this.#family)
      if (host === undefined) log.warn({ name: this.#name }, 'the public name has no address that media could use')
      else this.#host = host
    } catch (err) {
      // The address that was right a while ago stays.
      log.warn({ err, name: this.#name }, 'the public name could not be looked up')
    }
    if (!this.#closed) this.#timer = clock.setTimeout(() => void this.#look(), LOOKUP_MS)
  }
}
