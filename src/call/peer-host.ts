/**
 * The host in the peer's SDP as an address. A host name (RFC 8866 5.7) is looked up while the call continues: the answer does not
 * wait for it.
 */
import { isIP } from 'node:net'
import { isUnicast } from '../base/unicast.js'

export type HostLookup = (name: string) => Promise<readonly string[]>

export class PeerHost {
  readonly #lookup: HostLookup
  readonly #family: () => number
  #name = ''
  #address: string | undefined
  #isUnknown = false

  /** `family`: the IP version of media, 4 or 6. */
  constructor(lookup: HostLookup, family: () => number) {
    this.#lookup = lookup
    this.#family = family
  }

  /** The latest name, if it has no address that media can send to. */
  get unknownName(): string | undefined {
    return this.#isUnknown ? this.#name : undefined
  }

  /** `now`: the address if it is already known; undefined for a new name. `later`: the result of the look-up of a name. */
  addressOf(host: string): { now: string | undefined; later?: Promise<string | undefined> } {
    if (isIP(host) !== 0) {
      this.#isUnknown = false
      return { now: host }
    }
    if (host !== this.#name) this.#address = undefined
    this.#name = host
    return { now: this.#address, later: this.#find(host) }
  }

  /** Keeps the earlier address of a name as long as it is among the results: some names rotate their addresses. */
  async #find(name: string): Promise<string | undefined> {
    // A name may lead to a multicast group or to 0.0.0.0, but our stream goes to one machine.
    const addresses = (await this.#lookup(name)).filter(
      (address) => isIP(address) === this.#family() && isUnicast(address),
    )
    // Meanwhile the peer may have named another host.
    if (name !== this.#name) return undefined
    const [first] = addresses
    if (this.#address === undefined || !addresses.includes(this.#address)) this.#address = first ?? this.#address
    this.#isUnknown = this.#address === undefined
    return this.#address
  }
}
