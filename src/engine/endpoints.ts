import { isIPv6 } from 'node:net'
import { isDeepStrictEqual } from 'node:util'
import type { Lookup } from '../account/policy.js'
import type { Clock } from '../base/clock.js'
import { within } from '../base/deadline.js'
import { deferred } from '../base/deferred.js'
import { TelephonyError } from '../base/errors.js'
import { MAX_PORT } from '../base/limits.js'
import type { Logger } from '../base/logger.js'
import type { SipEndpoint, SipEndpointInit, TlsSettings } from '../sip/types.js'
import type { TransportConfig } from './protocol.js'
import { PublicAddress } from './public-address.js'
import { hasAnyPort, listenersOf } from './transport-ports.js'
import { socketTls } from './transport-tls.js'

export type OpenEndpoint = (init: SipEndpointInit) => Promise<SipEndpoint>

export interface EndpointsDeps {
  clock: Clock
  log: Logger
  open: OpenEndpoint
  lookup: Lookup
}

interface Entry {
  key: string
  tls: TlsSettings | undefined
  /** `udp 192.0.2.1:5060`, as configured; without those that take any port. */
  bound: readonly string[]
  opened: Promise<SipEndpoint>
  leases: number
  publicAddress: PublicAddress | undefined
  /** The socket is being closed: it accepts no new users, and its port is not free yet. */
  closing: boolean
  closed: Promise<void>
  markClosed: () => void
}

/** One user of a shared endpoint; its socket closes when the last one is released. */
export interface Lease {
  readonly key: string
  readonly endpoint: SipEndpoint
  /** If the transport has a STUN server. */
  readonly publicAddress: PublicAddress | undefined
  /** Adds a user of the same endpoint: a call may outlive a change of its account. */
  fork(): Lease
  /** Takes what needs no other socket: renewed certificates, and whether messages are traced. */
  adopt(transport: TransportConfig): void
  /** Idempotent. Resolves when the socket is closed, if it was the last one. */
  release(): Promise<void>
}

/** How long a changed transport waits until the other accounts have left the old one on the same port. */
const HANDOVER_MS = 5_000

/** Accounts share one socket if their transports are the same on the wire. */
export class Endpoints {
  readonly #deps: EndpointsDeps
  readonly #entries = new Set<Entry>()

  constructor(deps: EndpointsDeps) {
    this.#deps = deps
  }

  /** Key of the settings that matter on the wire; names do not. */
  static keyOf(transport: TransportConfig, address: string): string {
    const { publicAddress, stunServer = '', userAgent, ws, id } = transport
    const ports = listenersOf(transport).map(({ protocol, port }) => `${protocol}:${port}`)
    // Two transports with any port get one port each.
    const any = hasAnyPort(transport) ? id : ''
    const settings = JSON.stringify([socketTls(transport), ws])
    return [address, ...ports, any, publicAddress, stunServer, userAgent, settings].join('|')
  }

  async acquire(transport: TransportConfig, address: string): Promise<Lease> {
    const key = Endpoints.keyOf(transport, address)
    const entry = this.#find(key) ?? (await this.#add(key, transport, address))
    entry.leases++
    try {
      const lease = this.#lease(entry, await entry.opened)
      lease.adopt(transport)
      return lease
    } catch (error) {
      entry.leases--
      this.#remove(entry)
      throw describe(error, address)
    }
  }

  /** Whether a transport needs a port that another transport still uses. */
  conflicts(transport: TransportConfig, address: string): boolean {
    return this.#rivalOf(Endpoints.keyOf(transport, address), transport, address) !== undefined
  }

  async close(): Promise<void> {
    const entries = [...this.#entries]
    await Promise.all(entries.map(async (entry) => this.#close(entry, await entry.opened.catch(() => undefined))))
  }

  async #add(key: string, transport: TransportConfig, address: string): Promise<Entry> {
    await this.#waitForPort(key, transport, address)
    const ready = this.#find(key)
    if (ready) return ready
    const advertise = parseAdvertised(transport.publicAddress)
    const opened = this.#deps.open({
      host: address,
      listeners: listenersOf(transport),
      userAgent: transport.userAgent,
      ...(advertise ? { advertise } : {}),
      ...(transport.tls ? { tls: transport.tls } : {}),
      ...(transport.ws ? { ws: transport.ws } : {}),
    })
    const { promise: closed, resolve: markClosed } = deferred<void>()
    const bound = boundBy(transport, address)
    const publicAddress = this.#publicAddress(transport, address, opened)
    const entry: Entry = {
      key,
      tls: transport.tls,
      bound,
      opened,
      publicAddress,
      leases: 0,
      closing: false,
      closed,
      markClosed,
    }
    this.#entries.add(entry)
    return entry
  }

  #publicAddress(transport: TransportConfig, local: string, opened: Promise<SipEndpoint>): PublicAddress | undefined {
    const { clock, log, lookup } = this.#deps
    const server = transport.stunServer?.trim() ?? ''
    if (server === '' || transport.publicAddress.trim() !== '') return undefined
    const ask: SipEndpoint['publicAddress'] = async (to) => (await opened).publicAddress(to)
    return new PublicAddress({ clock, log, lookup, ask }, { server, local })
  }

  async #waitForPort(key: string, transport: TransportConfig, address: string): Promise<void> {
    const rival = this.#rivalOf(key, transport, address)
    if (!rival) return
    if (await within(HANDOVER_MS, rival.closed, this.#deps.clock)) return
    throw new TelephonyError(
      'TRANSPORT',
      `${rival.bound.join(', ')} is used by another transport with other settings. Use one transport for both accounts, or another port`,
      { cause: { code: PORT_IN_USE } },
    )
  }

  /** UDP and TCP ports are separate: the same number in both is not a conflict. */
  #rivalOf(key: string, transport: TransportConfig, address: string): Entry | undefined {
    const wanted = boundBy(transport, address)
    return [...this.#entries].find(
      (entry) => (entry.closing || entry.key !== key) && entry.bound.some((bound) => wanted.includes(bound)),
    )
  }

  #find(key: string): Entry | undefined {
    return [...this.#entries].find((entry) => entry.key === key && !entry.closing)
  }

  #lease(entry: Entry, endpoint: SipEndpoint): Lease {
    let released: Promise<void> | undefined
    return {
      key: entry.key,
      endpoint,
      publicAddress: entry.publicAddress,
      fork: () => {
        entry.leases++
        return this.#lease(entry, endpoint)
      },
      adopt: ({ tls, trace = false }) => {
        endpoint.isTraced = trace
        if (!tls || isDeepStrictEqual(entry.tls, tls)) return
        entry.tls = tls
        void endpoint.renewTls(tls)
      },
      release: () => {
        released ??= --entry.leases > 0 ? Promise.resolve() : this.#close(entry, endpoint)
        return released
      },
    }
  }

  async #close(entry: Entry, endpoint: SipEndpoint | undefined): Promise<void> {
    entry.closing = true
    entry.publicAddress?.close()
    try {
      await endpoint?.close()
    } catch (error) {
      this.#deps.log.error({ err: error }, 'an endpoint could not be closed')
    } finally {
      this.#remove(entry)
    }
  }

  #remove(entry: Entry): void {
    this.#entries.delete(entry)
    entry.markClosed()
  }
}

const boundBy = (transport: TransportConfig, address: string): string[] =>
  listenersOf(transport).flatMap(({ protocol, port }) => (port === 0 ? [] : [`${protocol} ${hostPort(address, port)}`]))

const hostPort = (address: string, port: number): string => `${isIPv6(address) ? `[${address}]` : address}:${port}`

/** Parses `host` or `host:port`; undefined for an empty text. Throws BAD_CONFIG for other texts. */
export function parseAdvertised(text: string): { host: string; port?: number } | undefined {
  const [, name, ipv6, port] = /^\s*(?:([\w.-]+)|\[([\da-f:.]+)\])(?::(\d{1,5}))?\s*$/i.exec(text) ?? []
  const host = name ?? (ipv6 && isIPv6(ipv6) ? ipv6 : undefined)
  if (host && Number(port ?? 1) > MAX_PORT) {
    throw new TelephonyError('BAD_CONFIG', `public address “${text}”: port ${port} is not between 1 and ${MAX_PORT}`)
  }
  if (host) return port ? { host, port: Number(port) } : { host }
  if (text.trim() === '') return undefined
  throw new TelephonyError(
    'BAD_CONFIG',
    `“${text}” is not a valid public address. Use one like 203.0.113.1 or 203.0.113.1:5060`,
  )
}

const PORT_IN_USE = 'EADDRINUSE'

/** Whether an account could not be opened because its port is in use. */
export const isPortInUse = (error: TelephonyError): boolean => systemCode(error.cause) === PORT_IN_USE

const systemCode = (error: unknown): unknown =>
  (error as { cause?: { code?: unknown } } | undefined)?.cause?.code ?? (error as { code?: unknown } | undefined)?.code

/** The port that could not be opened. */
export const portOf = (error: unknown): number =>
  Number(
    (error as { cause?: { port?: unknown; cause?: { port?: unknown } } }).cause?.port ??
      (error as { cause?: { cause?: { port?: unknown } } }).cause?.cause?.port ??
      0,
  )

/** `TLS `; '' if it is not known. */
function protocolOf(error: unknown): string {
  const { protocol } = ((error as { cause?: unknown }).cause ?? {}) as { protocol?: string }
  return protocol === undefined ? '' : `${protocol.toUpperCase()} `
}

function describe(error: unknown, address: string): TelephonyError {
  const code = systemCode(error)
  const port = portOf(error)
  const named = `${protocolOf(error)}port ${port}`
  const hint =
    code === PORT_IN_USE
      ? `${named} of ${address} is in use by another program. Choose another port, or stop that program`
      : code === 'EADDRNOTAVAIL'
        ? `${address} is not an address of this machine. Choose one of its addresses, or leave the address empty`
        : code === 'EACCES'
          ? `no permission to open ${named}. Choose a port above 1023`
          : undefined
  return hint ? new TelephonyError('TRANSPORT', hint, { cause: error }) : TelephonyError.from(error, 'TRANSPORT')
}
