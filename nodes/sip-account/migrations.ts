import type { Migrations } from '../shared/migrate.js'

export const migrations: Migrations = {
  // Redirections have three settings instead of a tick.
  2: ({ followRedirects, ...older }) => ({ ...older, redirects: followRedirects === false ? 'refuse' : 'follow' }),
}
