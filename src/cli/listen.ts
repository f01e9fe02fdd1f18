import { isIPv4, isIPv6 } from 'node:net'
import { MAX_PORT } from '../base/limits.js'
import type { AccountConfig, TransportConfig } from '../engine/protocol.js'
import { PROTOCOLS } from '../engine/transport-ports.js'
import { type Options, UsageError } from './options.js'

type Ports = TransportConfig['ports']
type SipProtocol = keyof Ports

/** The local address of all listeners. */
export interface Listen {
  /** '': the address that reaches the server. */
  host: string
  ports: Ports
  /** Of an address without a protocol. */
  port: number | undefined
}

interface One {
  host: string
  port: number
  protocols: SipProtocol[]
}

const NAME = PROTOCOLS.join('|')
const LISTEN = new RegExp(
  `^(?:((?:${NAME})(?:\\+(?:${NAME}))*)://)?(?:\\[([\\da-f:.]*)\\]|([\\d.]*))(?::(\\d{1,5}))?$`,
  'i',
)

/** `udp://127.0.0.1:5070`, `tls://[::1]:5071`, `udp+tcp://127.0.0.1:5070`, separated by commas: one port for each protocol, all at one address. */
export function parseListen(text: string | undefined): Listen {
  const ports: Ports = {}
  let port: number | undefined
  const all = text === undefined ? [] : text.split(',').map((one) => parseOne(one.trim()))
  const host = all[0]?.host ?? ''
  for (const one of all) {
    if (one.host !== host)
      throw new UsageError(
        `--listen ${text}: ${host || '“”'} and ${one.host || '“”'} are two addresses. Use one address`,
      )
    if (one.protocols.length === 0) {
      if (port !== undefined) throw new UsageError(`--listen ${text}: name the protocols, like udp:// and tls://`)
      port = one.port
    }
    for (const protocol of one.protocols) {
      if (ports[protocol] !== undefined)
        throw new UsageError(`--listen ${text}: ${protocol}:// is given twice. Use one port for each protocol`)
      ports[protocol] = one.port
    }
  }
  return { host, ports, port }
}

function parseOne(text: string): One {
  const [whole, protocols, ipv6, ipv4 = '', port] = LISTEN.exec(text) ?? []
  if (Number(port ?? 0) > MAX_PORT) {
    throw new UsageError(`--listen ${text}: port ${port} is not between 0 and ${MAX_PORT}`)
  }
  const host = ipv6 ?? ipv4
  const wellFormed =
    whole !== undefined && (ipv6 === undefined ? (host === '' ? port !== undefined : isIPv4(host)) : isIPv6(ipv6))
  if (!wellFormed) {
    throw new UsageError(
      `--listen ${text} is not a valid address. Use one like udp://127.0.0.1:5070, tls://[::1]:5071 or wss://192.0.2.1:8443; port 0 takes any free port`,
    )
  }
  return { host, port: Number(port ?? 0), protocols: (protocols?.toLowerCase().split('+') ?? []) as SipProtocol[] }
}

/** Where a client is reached by its connection alone (TLS also needs a certificate for a port). */
const WITHOUT_PORT: readonly SipProtocol[] = ['tls', 'ws', 'wss']

/** `named`: addresses that may contain `;transport=tcp`. */
export function protocolsFrom(
  options: Options,
  listen: Listen,
  named: readonly (string | undefined)[],
): { account: NonNullable<AccountConfig['protocol']>; ports: Ports } {
  const chosen = options.oneOf('protocol', PROTOCOLS)
  const wantsTcp = named.some((address) => /;transport=tcp/i.test(address ?? ''))
  const usual = chosen ?? (wantsTcp ? 'tcp' : 'udp')
  return { account: chosen ?? 'auto', ports: portsFrom(options, listen, usual) }
}

function portsFrom(options: Options, { ports, port }: Listen, usual: SipProtocol): Ports {
  const local = options.integer('local-port', 0, MAX_PORT)
  const listed: Ports = port === undefined ? ports : { ...ports, [usual]: port }
  const given = Object.entries(listed) as [SipProtocol, number][]
  if (given.length === 0) return local === undefined && WITHOUT_PORT.includes(usual) ? {} : { [usual]: local ?? 0 }
  if (local === undefined) return listed
  const other = given.find(([, each]) => each !== 0 && each !== local)
  if (other)
    throw new UsageError(`--local-port ${local}: --listen already names port ${other[1]}. Use one of the two options`)
  return Object.fromEntries(given.map(([protocol]) => [protocol, local]))
}

/** The form of an address in a URI. */
export const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host)
