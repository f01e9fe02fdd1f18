import { isIPv4, isIPv6 } from 'node:net'
import { MAX_PORT } from '../base/limits.js'
import type { AccountConfig } from '../engine/protocol.js'
import { type Options, UsageError } from './options.js'

export interface Listen {
  host: string
  port: number
  /** Undefined if it was not given. */
  protocol: 'udp' | 'tcp' | 'udp+tcp' | undefined
}

const LISTEN = /^(?:(udp|tcp|udp\+tcp):\/\/)?(?:\[([\da-f:.]*)\]|([\d.]*))(?::(\d{1,5}))?$/i
const ANYWHERE: Listen = { host: '', port: 0, protocol: undefined }

/** One or two values: `udp://127.0.0.1:5070`, `tcp://[::1]:5070`. Both protocols share one address. */
export function parseListen(text: string | undefined): Listen {
  if (text === undefined) return ANYWHERE
  const [first = ANYWHERE, second, ...more] = text.split(',').map((one) => parseOne(one.trim()))
  if (!second) return first
  const protocols = new Set([first.protocol ?? 'udp', second.protocol ?? 'udp'])
  if (more.length > 0 || second.host !== first.host || second.port !== first.port || protocols.size !== 2) {
    throw new UsageError(`--listen ${text}: UDP and TCP must have the same address and port`)
  }
  return { ...first, protocol: 'udp+tcp' }
}

function parseOne(text: string): Listen {
  const [whole, protocol, ipv6, ipv4 = '', port] = LISTEN.exec(text) ?? []
  if (Number(port ?? 0) > MAX_PORT) {
    throw new UsageError(`--listen ${text}: port ${port} is not between 0 and ${MAX_PORT}`)
  }
  const host = ipv6 ?? ipv4
  const wellFormed =
    whole !== undefined && (ipv6 === undefined ? (host === '' ? port !== undefined : isIPv4(host)) : isIPv6(ipv6))
  if (!wellFormed) {
    throw new UsageError(
      `--listen ${text} is not a valid address. Use one like udp://127.0.0.1:5070 or tcp://[::1]:5070; port 0 takes any free port`,
    )
  }
  return { host, port: Number(port ?? 0), protocol: protocol?.toLowerCase() as Listen['protocol'] }
}

/** `named`: addresses that may contain `;transport=tcp`. */
export function protocolsFrom(
  options: Options,
  listen: Listen,
  named: readonly (string | undefined)[],
): { account: NonNullable<AccountConfig['protocol']>; transport: NonNullable<Listen['protocol']> } {
  const chosen = options.oneOf('protocol', ['udp', 'tcp'] as const)
  const wantsTcp = chosen === 'tcp' || (!chosen && named.some((address) => /;transport=tcp/i.test(address ?? '')))
  return { account: chosen ?? 'auto', transport: listen.protocol ?? (wantsTcp ? 'tcp' : 'udp') }
}

/** The form of an address in a URI. */
export const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host)
