import { isIP } from 'node:net'
import type { Lookup } from '../account/policy.js'
import type { Clock, Timer } from '../base/clock.js'
import { within } from '../base/deadline.js'
import { TelephonyError } from '../base/errors.js'
import type { HostPort } from '../base/host-port.js'
import { MAX_PORT } from '../base/limits.js'
import type { Logger } from '../base/logger.js'

interface PublicAddressDeps {
  clock: Clock
  log: Logger
  lookup: Lookup
  /** Asks a STUN server by the SIP socket how it sees that socket. Rejects if it does not answer. */
  ask: (server: HostPort) => Promise<HostPort>
}

interface PublicAddressInit {
  /** `host` or `host:port`. */
  server: string
  /** Local address of the SIP socket: it decides the IP version. */
  local: string
}

/** RFC 8489 8.1 */
const STUN_PORT = 3478
/** A router that dials in again has another address. */
const ASK_MS = 180_000
const RETRY_MS = 30_000
/** How long an account waits for the first answer. */
const FIRST_ANSWER_MS = 2_000

/** The address of a SIP socket outside of the NAT, from a STUN server. It keeps the last answer while the server is silent. */
export class PublicAddress {
  readonly #deps: PublicAddressDeps
  readonly #server: HostPort
  readonly #family: number
  readonly #watchers = new Set<(address: HostPort) => void>()
  #address: HostPort | undefined
  #timer: Timer | undefined
  #asking: Promise<void> | undefined
  #closed = false
  /** The server did not answer last time: this is logged once. */
  #isSilent = false

  /** Throws BAD_CONFIG if `server` is not valid. */
  constructor(deps: PublicAddressDeps, init: PublicAddressInit) {
    this.#deps = deps
    this.#server = parseStunServer(init.server)
    this.#family = isIP(init.local)
  }

  /** Undefined: not found yet. */
  get current(): HostPort | undefined {
    return this.#address
  }

  /** `changed` is called when the address is found, and when it is another one than before. Returns a function that ends this. */
  watch(changed: (address: HostPort) => void): () => void {
    this.#watchers.add(changed)
    return () => void this.#watchers.delete(changed)
  }

  /** Resolves when the server has answered, or the time for that is over. */
  async ready(): Promise<void> {
    if (!this.#address) await within(FIRST_ANSWER_MS, this.ask(), this.#deps.clock)
  }

  /** Asks now, for example because the addresses of this machine have changed. */
  ask(): Promise<void> {
    if (this.#closed) return Promise.resolve()
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined
    })
    return this.#asking
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true
    this.#timer?.cancel()
  }

  async #ask(): Promise<void> {
    const { clock, log } = this.#deps
    this.#timer?.cancel()
    let nextMs = ASK_MS
    try {
      this.#found(await this.#deps.ask(await this.#resolved()))
      this.#isSilent = false
    } catch (err) {
      nextMs = RETRY_MS
      const level = this.#closed || this.#isSilent ? 'debug' : 'warn'
      log[level]({ err, server: this.#server.host }, 'the public address could not be found by STUN')
      this.#isSilent = true
    }
    if (!this.#closed) this.#timer = clock.setTimeout(() => void this.ask(), nextMs)
  }

  #found(address: HostPort): void {
    const before = this.#address
    if (this.#closed || (before?.host === address.host && before.port === address.port)) return
    this.#address = address
    this.#deps.log.info({ address, before }, 'the public address was found by STUN')
    for (const changed of [...this.#watchers]) changed(address)
  }

  async #resolved(): Promise<HostPort> {
    const { host, port } = this.#server
    if (isIP(host) === this.#family) return this.#server
    const addresses = isIP(host) === 0 ? await this.#deps.lookup(host) : []
    const address = addresses.find((each) => isIP(each) === this.#family)
    if (address === undefined)
      throw new TelephonyError('TRANSPORT', `the STUN server ${host} has no IPv${this.#family} address`)
    return { host: address, port }
  }
}

/** `host` or `host:port`, IPv6 in brackets. Throws BAD_CONFIG. */
export function parseStunServer(text: string): HostPort {
  const [, name, ipv6, port] = /^\s*(?:([\w.-]+)|\[([\da-f:.]+)\])(?::(\d{1,5}))?\s*$/i.exec(text) ?? []
  const host = name ?? (ipv6 && isIP(ipv6) === 6 ? ipv6 : undefined)
  const number = Number(port ?? STUN_PORT)
  if (host && number >= 1 && number <= MAX_PORT) return { host, port: number }
  throw new TelephonyError(
    'BAD_CONFIG',
    `“${text}” is not a valid STUN server. Use one like stun.example.com or 203.0.113.1:3478`,
  )
}
