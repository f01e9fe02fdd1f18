/**
 * The host in the peer's SDP as an address. A host name (RFC 8866 5.7) is looked up while the call goes on: neither an answer nor
 * anything else waits for it.
 */
import { isIP } from 'node:net'

export type HostLookup = (name: string) => Promise<readonly string[]>

export class PeerHost {
  readonly #lookup: HostLookup
  readonly #family: () => number
  #name = ''
  #address: string | undefined
  #isUnknown = false

  /** `family`: 4 or 6, what media sends by. */
  constructor(lookup: HostLookup, family: () => number) {
    this.#lookup = lookup
    this.#family = family
  }

  /** The latest name, where it has no address that media could send to. */
  get unknownName(): string | undefined {
    return this.#isUnknown ? this.#name : undefined
  }

  /** `now`: the address as far as it is known; undefined for a name that is new. `later`: where the host is a name, which is looked up again. */
  addressOf(host: string): { now: string | undefined; later?: Promise<string | undefined> } {
    if (isIP(host) !== 0) {
      this.#isUnknown = false
      return { now: host }
    }
    if (host !== this.#name) this.#address = undefined
    this.#name = host
    return { now: this.#address, later: this.#find(host) }
  }

  /** An address that stood for this name before is kept as long as the name has it: some names give theirs in turn. */
  async #find(name: string): Promise<string | undefined> {
    const addresses = (await this.#lookup(name)).filter((address) => isIP(address) === this.#family())
    // Meanwhile the peer may have named another host.
    if (name !== this.#name) return undefined
    const [first] = addresses
    if (this.#address === undefined || !addresses.includes(this.#address)) this.#address = first ?? this.#address
    this.#isUnknown = this.#address === undefined
    return this.#address
  }
}
