import { TelephonyError } from '../../base/errors.js'
import type { HeaderField } from '../types.js'
import { headerLines } from './header-check.js'
import { headerKey } from './header-fields.js'

/** Headers by which the SIP stack does its work. A user's header with one of these names would change or break it. */
const PROTOCOL_HEADERS: ReadonlySet<string> = new Set([
  // Routing and identification (RFC 3261 8.1.1, 12)
  ...['via', 'route', 'record-route', 'max-forwards', 'path', 'service-route', 'contact'],
  ...['from', 'to', 'call-id', 'cseq', 'timestamp'],
  // Body
  ...['content-length', 'content-type', 'content-encoding', 'content-disposition', 'mime-version'],
  // Negotiation
  ...['require', 'proxy-require', 'supported', 'unsupported', 'allow', 'allow-events', 'accept', 'accept-encoding'],
  // Authentication
  ...['authorization', 'proxy-authorization', 'www-authenticate', 'proxy-authenticate', 'authentication-info'],
  ...['proxy-authentication-info', 'security-client', 'security-server', 'security-verify'],
  // Extensions with a state of their own: PRACK, session timers, events, transfer
  ...['rack', 'rseq', 'session-expires', 'min-se', 'expires', 'min-expires', 'event', 'subscription-state'],
  ...['sip-etag', 'sip-if-match', 'refer-to', 'refer-sub', 'replaces', 'join', 'target-dialog', 'flow-timer'],
  'user-agent',
])

/** Checks the headers that a user adds to a message. Throws BAD_HEADER for a header of the protocol, a wrong name and a line break. */
export function customHeaders(headers: Readonly<Record<string, string>> = {}): HeaderField[] {
  const fields: HeaderField[] = Object.entries(headers).map(([name, value]) => [name, String(value)])
  for (const [name] of fields) {
    if (PROTOCOL_HEADERS.has(headerKey(name.trim())))
      throw new TelephonyError('BAD_HEADER', `the header ${name} is written by the SIP stack. Remove it`)
  }
  headerLines(fields)
  return fields
}
