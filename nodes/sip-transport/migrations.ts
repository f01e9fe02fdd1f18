import type { Migrations } from '../shared/migrate.js'

export const migrations: Migrations = {
  /** With `auto` the system chose between IPv4 and IPv6. Now one version is preferred, with the other one as fallback. */
  2: ({ ipVersion = 'auto', ...rest }) => ({ ...rest, ipVersion: ipVersion === 'auto' ? 'prefer-4' : ipVersion }),
}
