import { Resolver } from 'node:dns'
import { lookup } from 'node:dns/promises'
import { readFile, stat } from 'node:fs/promises'
import type { Clock } from '../../base/clock.js'
import { type DnsServer, parseDnsServer } from './dns-server.js'
import type { Family } from './records.js'

/** What this machine knows about names beside DNS. */
export interface SystemNames {
  /** The DNS servers of this machine; they change with its network. */
  servers(): readonly DnsServer[]
  /** Whether the hosts file holds this name. */
  isListed(name: string): Promise<boolean>
  /** By the system's own means: hosts file, mDNS, search domains. An empty list if the name has no address of this family. */
  lookup(name: string, family: Family): Promise<readonly string[]>
}

/** How long the file and the list of servers are not looked at again. */
const FRESH_MS = 5_000
const NO_ADDRESS: ReadonlySet<unknown> = new Set(['ENOTFOUND', 'ENODATA', 'EAI_ADDRFAMILY'])

const hostsPath = (): string =>
  process.platform === 'win32'
    ? `${process.env.SystemRoot ?? 'C:\\Windows'}\\System32\\drivers\\etc\\hosts`
    : '/etc/hosts'

export class RealSystemNames implements SystemNames {
  readonly #clock: Pick<Clock, 'now'>
  readonly #path: string
  #servers: { list: readonly DnsServer[]; untilMs: number } = { list: [], untilMs: Number.NEGATIVE_INFINITY }
  #listed: { names: Promise<ReadonlySet<string>>; untilMs: number } | undefined
  #changedMs = -1

  constructor(clock: Pick<Clock, 'now'>, path = hostsPath()) {
    this.#clock = clock
    this.#path = path
  }

  servers(): readonly DnsServer[] {
    if (this.#clock.now() >= this.#servers.untilMs) {
      // A new resolver reads the settings of the system again.
      const list = new Resolver().getServers().flatMap((text) => serverIn(text) ?? [])
      this.#servers = { list, untilMs: this.#clock.now() + FRESH_MS }
    }
    return this.#servers.list
  }

  async isListed(name: string): Promise<boolean> {
    if (!this.#listed || this.#clock.now() >= this.#listed.untilMs) {
      const names = this.#readHosts(this.#listed?.names)
      this.#listed = { names, untilMs: this.#clock.now() + FRESH_MS }
    }
    return (await this.#listed.names).has(name)
  }

  async lookup(name: string, family: Family): Promise<readonly string[]> {
    try {
      return (await lookup(name, { family, all: true })).map(({ address }) => address)
    } catch (error) {
      if (NO_ADDRESS.has((error as NodeJS.ErrnoException).code)) return []
      throw error
    }
  }

  async #readHosts(before: Promise<ReadonlySet<string>> | undefined): Promise<ReadonlySet<string>> {
    try {
      const { mtimeMs } = await stat(this.#path)
      if (before && mtimeMs === this.#changedMs) return await before
      this.#changedMs = mtimeMs
      return namesInHosts(await readFile(this.#path, 'utf8'))
    } catch {
      return new Set()
    }
  }
}

/** The names in a hosts file, in lower case. */
export function namesInHosts(text: string): Set<string> {
  const lines = text.split('\n').map((line) => line.replace(/#.*/, '').trim())
  return new Set(lines.flatMap((line) => line.toLowerCase().split(/\s+/).slice(1)))
}

/** Undefined where the system names a server in a way that we do not know. */
function serverIn(text: string): DnsServer | undefined {
  try {
    return parseDnsServer(text)
  } catch {
    return undefined
  }
}
