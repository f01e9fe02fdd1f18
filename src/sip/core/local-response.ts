import { IncomingResponseMessage } from 'sip.js/lib/core/index.js'

/** In place of an answer that can no longer come. */
export function localResponse(status: 408 | 503, reason: string): IncomingResponseMessage {
  const message = new IncomingResponseMessage()
  message.statusCode = status
  message.reasonPhrase = reason
  return message
}
