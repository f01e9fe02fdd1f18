import type { Migrations } from '../shared/migrate.js'

export const migrations: Migrations = {
  /** `auto` left the order of IPv4 and IPv6 to the system; now one of them is preferred and falls back to the other. */
  2: ({ ipVersion = 'auto', ...rest }) => ({ ...rest, ipVersion: ipVersion === 'auto' ? 'prefer-4' : ipVersion }),
}
