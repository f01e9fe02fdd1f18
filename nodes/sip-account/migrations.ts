import type { Migrations } from '../shared/migrate.js'

/** Version 1 is the first. */
export const migrations: Migrations = {}
