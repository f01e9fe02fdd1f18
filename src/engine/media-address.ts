import { isIP } from 'node:net'
import type { Lookup } from '../account/policy.js'
import type { Clock, Timer } from '../base/clock.js'
import { within } from '../base/deadline.js'
import { TelephonyError } from '../base/errors.js'
import type { Logger } from '../base/logger.js'

interface MediaAddressDeps {
  clock: Clock
  log: Logger
  lookup: Lookup
}

/** The address of a dynamic name changes. Same interval as for the names of peers. */
const LOOKUP_MS = 300_000
/** How long an account waits for the lookup of its name. */
const FIRST_LOOKUP_MS = 2_000

/** Throws BAD_CONFIG for a text that is neither an IP address nor a host name. */
export function checkMediaAddress(text = ''): void {
  const address = text.trim()
  if (address === '' || isIP(address) !== 0 || /^[\w-]+(\.[\w-]+)*\.?$/.test(address)) return
  throw new TelephonyError(
    'BAD_CONFIG',
    `“${text}” is not a valid media address. Use an IP address or a host name without a port, like 203.0.113.1`,
  )
}

/**
 * The address in SDP. A public name is looked up: SDP may contain host names (RFC 4566 5.7), but few telephones resolve them.
 * Until the lookup has succeeded, SDP contains the name.
 */
export class MediaAddress {
  readonly #deps: MediaAddressDeps
  readonly #name: string
  readonly #family: number
  #host: string
  #timer: Timer | undefined
  #closed = false

  /** `local`: the address that media binds to; it decides the IP version of media. */
  constructor(deps: MediaAddressDeps, init: { advertised: string; local: string }) {
    this.#deps = deps
    this.#name = init.advertised
    this.#host = init.advertised
    this.#family = isIP(init.local)
  }

  get host(): string {
    return this.#host
  }

  /** Another address was found by STUN. */
  replace(host: string): void {
    this.#host = host
  }

  /** Resolves when the lookup is done, or the time for it is over. */
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
      if (host === undefined) log.warn({ name: this.#name }, 'the public name has no address that media can use')
      else this.#host = host
    } catch (err) {
      // Keeps the earlier address.
      log.warn({ err, name: this.#name }, 'the lookup of the public name failed')
    }
    if (!this.#closed) this.#timer = clock.setTimeout(() => void this.#look(), LOOKUP_MS)
  }
}
