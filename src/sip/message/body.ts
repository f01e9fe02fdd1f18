import { octetLength, wellFormed } from '../../base/octets.js'
import type { SipBody } from '../types.js'
import { checkText } from './header-check.js'

/** The end of a message: the headers of its body, the blank line, the body. Throws BAD_HEADER for a wrong content type. */
export function bodyText(body: SipBody | undefined): string {
  const content = wellFormed(body?.content ?? '')
  if (!body || content === '') return 'Content-Length: 0\r\n\r\n'
  const type = wellFormed(checkText('content type', body.contentType))
  return `Content-Type: ${type}\r\nContent-Length: ${octetLength(content)}\r\n\r\n${content}`
}
