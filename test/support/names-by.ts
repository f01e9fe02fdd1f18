import type { Family, Names } from '../../src/sip/dns/records.js'

/** Names that have one address of each family, and no service records. */
export const namesBy = (resolve: (host: string, family: Family) => Promise<string>): Names => ({
  addresses: async (name, family) => [await resolve(name, family)],
  srv: async () => [],
  naptr: async () => [],
  lookup: async (name) => [await resolve(name, 4)],
})
