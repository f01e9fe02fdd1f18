import { randomInt } from 'node:crypto'
import { type Clock, systemClock } from '../../base/clock.js'
import { Turns } from '../../base/turns.js'
import { CachedNames } from './cached-names.js'
import { DnsClient } from './dns-client.js'
import { parseDnsServer } from './dns-server.js'
import { inquire } from './dns-sockets.js'
import { NameSource } from './name-source.js'
import type { Names } from './records.js'
import { RealSystemNames } from './system-names.js'

/** Names of two kinds, so that a peer that floods us with names cannot displace or delay ours. */
export interface NameService {
  /** Proxies, registrars, targets of calls, our own public name. */
  readonly ours: Names
  /** Names that peers write into SDP. */
  readonly ofPeers: Names
  /** Questions that run end without an answer, and later ones fail. */
  close(): void
}

export interface NameServiceInit {
  /** `192.0.2.53` or `192.0.2.53:5353`, asked in this order; none: the servers of the system. */
  servers?: readonly string[]
}

const OURS = { atOnce: 32, waiting: 500 }
const OF_PEERS = { atOnce: 2, waiting: 100 }
const SYSTEM_LOOKUPS = { atOnce: 2, waiting: 600 }
const ID_LIMIT = 0x10000

/** DNS by real sockets, the hosts file and the system. Throws BAD_CONFIG if a server is not valid. */
export function openNames(init: NameServiceInit = {}, clock: Clock = systemClock): NameService {
  const servers = (init.servers ?? []).map(parseDnsServer)
  const hasOwnServers = servers.length > 0
  const system = new RealSystemNames(clock)
  const dns = new DnsClient({
    clock,
    inquire,
    servers: () => (hasOwnServers ? servers : system.servers()),
    randomId: () => randomInt(ID_LIMIT),
  })
  const source = new NameSource({
    dns,
    system,
    lookups: new Turns(SYSTEM_LOOKUPS),
    hasOwnServers,
  })
  return {
    ours: new CachedNames({ clock, source }, OURS),
    ofPeers: new CachedNames({ clock, source }, OF_PEERS),
    close: () => dns.close(),
  }
}
