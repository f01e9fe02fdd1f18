import { IncomingResponseMessage } from 'sip.js/lib/core/index.js'

/** In place of an answer that can no longer come. */
export class LocalResponse extends IncomingResponseMessage {
  /** The request has not left at all. */
  unsent = false
}

export function localResponse(status: 408 | 503, reason: string, unsent = false): LocalResponse {
  const message = new LocalResponse()
  message.unsent = unsent
  message.statusCode = status
  message.reasonPhrase = reason
  return message
}
