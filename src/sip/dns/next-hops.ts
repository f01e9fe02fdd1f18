import { isIP } from 'node:net'
import type { Clock } from '../../base/clock.js'
import { TelephonyError } from '../../base/errors.js'
import type { SipProtocol, Target } from '../types.js'
import type { SipUri } from '../uri/sip-uri.js'
import type { Family, Names } from './records.js'
import { searchServices } from './service-search.js'
import { DEFAULT_PORTS, possibleProtocols } from './sip-services.js'
import type { Random } from './srv-order.js'
import { TargetHealth } from './target-health.js'

export interface NextHopRules {
  /** Protocols that we speak, in our order of preference. */
  protocols: readonly SipProtocol[]
  /** The protocol if the URI names none; the domain is not asked for its own choice (NAPTR). */
  prefer?: SipProtocol | undefined
  family: Family
}

export interface NextHopsDeps {
  clock: Pick<Clock, 'now'>
  names: Names
  random?: Random
}

/** More targets only prolong the wait for the failure. */
const MAX_TARGETS = 12

/** Finds the addresses to which a request for a URI may be sent (RFC 3263), and remembers which of them work. */
export class NextHops {
  readonly #names: Names
  readonly #random: Random
  readonly #health: TargetHealth

  constructor({ clock, names, random = Math.random }: NextHopsDeps) {
    this.#names = names
    this.#random = random
    this.#health = new TargetHealth(clock)
  }

  /**
   * In the order to try them, at least one. Synchronous if nothing has to be asked. An address in the URI is returned whatever its family.
   * Throws or rejects with TRANSPORT.
   */
  targets(uri: SipUri, rules: NextHopRules): readonly Target[] | Promise<readonly Target[]> {
    // RFC 3263 4: the host in `maddr` takes the place of the URI's host.
    const host = uri.params.get('maddr')?.toLowerCase() || uri.host
    if (host === '') throw new TelephonyError('TRANSPORT', `${uri.text} does not name a host`)
    const protocols = possibleProtocols(uri, rules)
    const [protocol] = protocols
    if (protocol === undefined) {
      const ours = rules.protocols.join(' and ').toUpperCase()
      throw new TelephonyError('TRANSPORT', `${uri.text} asks for another transport than ${ours}`)
    }
    const address = literal(host)
    if (address === undefined) return this.#search(uri, { host, protocols, rules })
    // RFC 3263 4.1, 4.2: an address needs no DNS.
    const target: Target = { protocol, host: address, port: uri.port ?? DEFAULT_PORTS[protocol] }
    if (literal(uri.host) === undefined) target.name = uri.host
    return [target]
  }

  /** The target did not answer, could not be connected, or answered 503: it is tried last for a while. */
  failed(target: Target, retryAfterSec?: number): void {
    this.#health.failed(target, retryAfterSec)
  }

  /** The target has answered. */
  worked(target: Target): void {
    this.#health.worked(target)
  }

  isResting(target: Target): boolean {
    return this.#health.isResting(target)
  }

  async #search(
    { host: domain, port, params }: SipUri,
    found: { host: string; protocols: readonly SipProtocol[]; rules: NextHopRules },
  ): Promise<readonly Target[]> {
    const { host, rules } = found
    const { family, prefer } = rules
    const name = literal(domain) === undefined ? domain : host
    let [protocol = 'udp'] = found.protocols
    // RFC 3263 4.1, 4.2: with a port neither NAPTR nor SRV records count.
    if (port === undefined) {
      const choosesProtocol = prefer === undefined && params.get('transport') === undefined
      const searched = { host, name, protocols: found.protocols, family, choosesProtocol }
      const services = await searchServices(searched, this.#names, this.#random)
      if ('groups' in services) return this.#ordered(services.groups)
      protocol = services.offered[0] ?? protocol
    }
    const addresses = await this.#names.addresses(host, family)
    if (addresses.length === 0) {
      throw new TelephonyError('TRANSPORT', `the name ${host} cannot be resolved: it has no IPv${family} address`)
    }
    const usedPort = port ?? DEFAULT_PORTS[protocol]
    return this.#ordered([addresses.map((address) => ({ protocol, host: address, port: usedPort, name }))])
  }

  #ordered(groups: readonly Target[][]): readonly Target[] {
    return this.#health.ordered(groups).slice(0, MAX_TARGETS)
  }
}

/** The address in a host of a URI, without brackets; undefined for a name. */
function literal(host: string): string | undefined {
  const bare = host.startsWith('[') ? host.slice(1, -1) : host
  return isIP(bare) === 0 ? undefined : bare
}
