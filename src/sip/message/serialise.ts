import { octetLength } from '../../base/octets.js'
import { headerSpelling } from './header-fields.js'
import { ParsedRequest, type ParsedResponse } from './parsed-message.js'

/**
 * A parsed message as text again, header fields in their order, names in their usual spelling. For tests, and for the trace of
 * messages that were changed.
 */
export function serialiseMessage(message: ParsedRequest | ParsedResponse): string {
  const lines = [
    message instanceof ParsedRequest
      ? `${message.method} ${message.uri.text} SIP/2.0`
      : `SIP/2.0 ${message.status} ${message.reason}`,
  ]
  for (const [key, value] of message.fields.entries()) {
    if (key !== 'content-length') lines.push(`${headerSpelling(key)}: ${value}`)
  }
  lines.push(`Content-Length: ${octetLength(message.body)}`)
  return `${lines.join('\r\n')}\r\n\r\n${message.body}`
}
