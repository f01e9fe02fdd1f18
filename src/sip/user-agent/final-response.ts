import { IncomingResponseMessage } from 'sip.js/lib/core/index.js'
import { ParsedResponse } from '../message/parsed-message.js'
import { ReceivedResponse } from '../message/received.js'
import type { FinalResponse } from '../types.js'

/** Core makes up a bare 408 or 503 where nothing came (RFC 3261 8.1.3.1); what came was made by our parser. */
export function toFinalResponse(message: IncomingResponseMessage): FinalResponse {
  if (message instanceof ParsedResponse) return new ReceivedResponse(message)
  return message.statusCode === 408
    ? { status: 408, reason: 'Request Timeout', local: true }
    : { status: 503, reason: message.reasonPhrase || 'Service Unavailable', local: true }
}

/** In place of an answer that can no longer come. */
export function localResponse(status: 408 | 503, reason: string): IncomingResponseMessage {
  const message = new IncomingResponseMessage()
  message.statusCode = status
  message.reasonPhrase = reason
  return message
}
