import type { Lookup } from '../account/policy.js'
import type { Clock } from '../base/clock.js'
import type { Logger } from '../base/logger.js'
import { type NameService, openNames } from '../sip/dns/open-names.js'
import { serverAddresses } from '../sip/dns/server-addresses.js'

/** Addresses of names, IPv4 and IPv6; an address resolves to itself. */
export interface EngineNames {
  /** Of a host. Rejects if it has no address. */
  host: Lookup
  /** Of the servers of a SIP domain. Rejects if there is no address. */
  servers: Lookup
  /** Of a host that a peer has named in SDP; an empty list if it has no address. Such names cannot displace or delay the others. */
  hostOfPeer: Lookup
  /** Questions that run end without an answer. */
  close(): void
}

/** `dnsServers`: none for those of the system. Throws BAD_CONFIG if one is not valid. */
export function openEngineNames(
  { clock, log }: { clock: Clock; log: Logger },
  dnsServers: readonly string[] = [],
): { names: EngineNames; service: NameService } {
  const service = openNames({ servers: dnsServers }, clock)
  const { ours, ofPeers } = service
  const hostOfPeer: Lookup = async (name) => {
    try {
      return await ofPeers.lookup(name)
    } catch (err) {
      log.warn({ err, name }, 'the host name in the SDP of a peer was not found')
      return []
    }
  }
  const names: EngineNames = {
    host: (name) => ours.lookup(name),
    servers: (domain) => serverAddresses(ours, domain),
    hostOfPeer,
    close: () => service.close(),
  }
  return { names, service }
}
