import type { Family, Names, NaptrRecord, SrvRecord } from '../../../../src/sip/dns/records.js'

/** Names whose records a test sets; `asked` says in which order they were asked for. */
export class FakeNames implements Names {
  readonly asked: string[] = []
  /** By name; IPv6 addresses are those with a colon. */
  readonly hosts = new Map<string, readonly string[]>()
  readonly services = new Map<string, readonly SrvRecord[]>()
  readonly pointers = new Map<string, readonly NaptrRecord[]>()
  /** Questions that fail, e.g. `SRV _sip._udp.example.com`. */
  readonly failing = new Set<string>()

  addresses(name: string, family: Family): Promise<readonly string[]> {
    const all = this.#find(family === 6 ? 'AAAA' : 'A', name, this.hosts)
    return all.then((addresses) => addresses.filter((address) => address.includes(':') === (family === 6)))
  }

  srv(name: string): Promise<readonly SrvRecord[]> {
    return this.#find('SRV', name, this.services)
  }

  naptr(name: string): Promise<readonly NaptrRecord[]> {
    return this.#find('NAPTR', name, this.pointers)
  }

  lookup(name: string): Promise<readonly string[]> {
    return this.#find('A+AAAA', name, this.hosts)
  }

  async #find<T>(type: string, name: string, records: ReadonlyMap<string, readonly T[]>): Promise<readonly T[]> {
    this.asked.push(`${type} ${name}`)
    if (this.failing.has(`${type} ${name}`)) throw new Error('server failure')
    return records.get(name) ?? []
  }
}

/** `srv(10, 60, 'a.example.com')`: priority, weight, target. */
export const srv = (priority: number, weight: number, target: string, port = 5060): SrvRecord => ({
  priority,
  weight,
  port,
  target,
})

export const naptr = (order: number, service: string, replacement: string, preference = 10): NaptrRecord => ({
  order,
  preference,
  flags: 's',
  service,
  replacement,
})
