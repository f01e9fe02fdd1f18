import type { Migrations } from '../shared/migrate.js'

export const migrations: Migrations = {
  /** With `auto` the system chose between IPv4 and IPv6. Now one version is preferred, with the other one as fallback. */
  2: ({ ipVersion = 'auto', ...rest }) => ({ ...rest, ipVersion: ipVersion === 'auto' ? 'prefer-4' : ipVersion }),
  /** There was one port for UDP, TCP or both. Now each protocol has a port of its own. */
  3: ({ protocol = 'udp', bindPort = '5060', ...rest }) => {
    const has = (one: string) => String(protocol).split('+').includes(one)
    return { udpPort: has('udp') ? bindPort : '', tcpPort: has('tcp') ? bindPort : '', ...rest }
  },
}
