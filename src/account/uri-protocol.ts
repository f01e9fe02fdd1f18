import { TelephonyError } from '../base/errors.js'
import type { SipProtocol } from '../sip/types.js'

const PROTOCOLS: readonly string[] = ['udp', 'tcp', 'tls', 'ws', 'wss'] satisfies SipProtocol[]
const SECURE = new Map<string, SipProtocol>([
  ['', 'tls'],
  ['tcp', 'tls'],
  ['tls', 'tls'],
  ['ws', 'wss'],
  ['wss', 'wss'],
])

/** The `transport` parameter of a URI, in lower case; '' without one. */
export const transportIn = (uri: string): string => /;transport=([^;>?]*)/i.exec(uri)?.[1]?.toLowerCase() ?? ''

/**
 * The protocol that a URI names, in its parameter (RFC 3261 19.1.1, RFC 7118 5) or by its scheme: over `sips:` TCP means TLS (RFC 3261 26.2.2).
 * Undefined: none. Throws BAD_CONFIG for a transport that is not supported.
 */
export function protocolOf(uri: string): SipProtocol | undefined {
  const name = transportIn(uri)
  const isSecure = /^\s*<?\s*sips:/i.test(uri)
  if (name !== '' && !PROTOCOLS.includes(name)) {
    throw badConfig(`“${uri}”: the transport “${name}” is not supported. Use transport=udp, tcp, tls, ws or wss`)
  }
  if (!isSecure) return name === '' ? undefined : (name as SipProtocol)
  const secure = SECURE.get(name)
  if (secure) return secure
  throw badConfig(
    `“${uri}”: sips: needs TLS, which the transport “${name}” does not have. Leave the transport out, or use sip:`,
  )
}

const badConfig = (message: string): TelephonyError => new TelephonyError('BAD_CONFIG', message)
