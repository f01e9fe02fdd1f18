import { octetLength } from '../../base/octets.js'
import { headerSpelling } from './header-fields.js'
import { type ParsedMessage, ParsedRequest } from './parsed-message.js'

/**
 * A parsed message as text again, header names in their usual spelling. For tests, and for the trace of what was
 * changed.
 */
export function serialiseMessage(message: ParsedMessage): string {
  const startLine =
    message instanceof ParsedRequest
      ? `${message.method} ${message.requestUri.text} SIP/2.0`
      : `SIP/2.0 ${message.statusCode} ${message.reasonPhrase}`
  const lines = [startLine]
  for (const [key, values] of message.fields.entries()) {
    if (key === 'content-length') continue
    for (const value of values) lines.push(`${headerSpelling(key)}: ${value}`)
  }
  lines.push(`Content-Length: ${octetLength(message.body)}`)
  return `${lines.join('\r\n')}\r\n\r\n${message.body}`
}
