import type { Migrations } from '../shared/migrate.js'

export const migrations: Migrations = {}
