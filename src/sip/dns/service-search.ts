import { TelephonyError } from '../../base/errors.js'
import type { SipProtocol, Target } from '../types.js'
import type { Family, Names, SrvRecord } from './records.js'
import { naptrServices, SRV_PREFIXES } from './sip-services.js'
import { type Random, srvGroups } from './srv-order.js'

export interface Domain {
  host: string
  /** Name that stands in the targets. */
  name: string
  /** The best first. */
  protocols: readonly SipProtocol[]
  family: Family
  /** Whether the domain may choose the protocol by NAPTR. */
  choosesProtocol: boolean
}

/** The SRV records of a domain for one protocol. */
interface Service {
  protocol: SipProtocol
  records: readonly SrvRecord[]
}

/**
 * What the service records of a domain lead to: one group of targets for each protocol and priority, the best first. `offered`: there are no
 * such records, so the address of the domain counts, by these protocols. Rejects with TRANSPORT if the domain has servers that cannot be
 * reached.
 */
export async function searchServices(
  domain: Domain,
  names: Names,
  random: Random,
): Promise<{ groups: Target[][] } | { offered: readonly SipProtocol[] }> {
  const { host, protocols, choosesProtocol } = domain
  // Asked at the same time as NAPTR: most domains have no NAPTR records, and a silent DNS delays a call only once.
  const asked = servicesOf(
    protocols.map((protocol) => ({ protocol, replacement: SRV_PREFIXES[protocol] + host })),
    names,
  )
  const naptr = choosesProtocol ? await orNone(names.naptr(host)) : []
  const chosen = usable(await servicesOf(naptrServices(naptr, protocols), names))
  const found = chosen.length > 0 ? chosen : await asked
  const wanted = usable(found)
  if (wanted.length > 0) return { groups: await groupsOf(wanted, domain, names, random) }
  // RFC 2782: the target `.` says that there is no service, so the address of the domain does not count for it either.
  const offered = found.filter(({ records }) => records.length === 0).map(({ protocol }) => protocol)
  if (offered.length > 0) return { offered }
  const refused = protocols.join(', ').toUpperCase()
  throw new TelephonyError(
    'TRANSPORT',
    `${host} cannot be reached: its DNS says that it has no SIP service by ${refused}`,
  )
}

function servicesOf(
  wanted: readonly { protocol: SipProtocol; replacement: string }[],
  names: Names,
): Promise<Service[]> {
  const services = wanted.map(async ({ protocol, replacement }) => ({
    protocol,
    records: await orNone(names.srv(replacement)),
  }))
  return Promise.all(services)
}

/** Some name servers refuse or ignore questions for NAPTR and SRV. The address of the domain may still be found. */
const orNone = <Record>(records: Promise<readonly Record[]>): Promise<readonly Record[]> => records.catch(() => [])

const isRefusal = ({ target }: SrvRecord): boolean => target === '.' || target === ''

const usable = (services: readonly Service[]): Service[] =>
  services.flatMap(({ protocol, records }) => {
    const kept = records.filter((record) => !isRefusal(record))
    return kept.length > 0 ? [{ protocol, records: kept }] : []
  })

/** RFC 3263 4.2: each record leads to all addresses of its host. */
async function groupsOf(
  services: readonly Service[],
  { host, name, family }: Domain,
  names: Names,
  random: Random,
): Promise<Target[][]> {
  let failure: unknown
  const targetsOf = async (protocol: SipProtocol, { target, port }: SrvRecord): Promise<Target[]> => {
    try {
      const addresses = await names.addresses(target, family)
      return addresses.map((address) => ({ protocol, host: address, port, name }))
    } catch (error) {
      failure = error
      return []
    }
  }
  const groups = services.flatMap(({ protocol, records }) =>
    srvGroups(records, random).map((group) => Promise.all(group.map((record) => targetsOf(protocol, record)))),
  )
  const found = (await Promise.all(groups)).map((group) => group.flat()).filter((group) => group.length > 0)
  if (found.length > 0) return found
  const why =
    failure === undefined ? `the servers of ${host} have no IPv${family} address` : 'their names cannot be resolved'
  throw new TelephonyError('TRANSPORT', `the servers of ${host} cannot be reached: ${why}`, { cause: failure })
}
