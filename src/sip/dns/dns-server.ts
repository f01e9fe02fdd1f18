import { isIP } from 'node:net'
import { TelephonyError } from '../../base/errors.js'
import { uriHost } from '../../base/host-port.js'
import { MAX_PORT } from '../../base/limits.js'

export interface DnsServer {
  /** An address, without brackets. */
  host: string
  port: number
}

const DNS_PORT = 53

export const serverText = ({ host, port }: DnsServer): string =>
  port === DNS_PORT ? host : `${host.includes(':') ? uriHost(host) : host}:${port}`

/** Parses `192.0.2.53`, `192.0.2.53:5353`, `2001:db8::53` or `[2001:db8::53]:5353`; throws BAD_CONFIG for other texts. */
export function parseDnsServer(text: string): DnsServer {
  const trimmed = text.trim()
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(trimmed) ?? []
  const host = bracketed ?? plain ?? trimmed
  const number = port === undefined ? DNS_PORT : Number(port)
  if (isIP(host) !== 0 && number >= 1 && number <= MAX_PORT) return { host, port: number }
  throw new TelephonyError(
    'BAD_CONFIG',
    `“${text}” is not a valid DNS server. Use its address, like 192.0.2.53 or 192.0.2.53:5353`,
  )
}
