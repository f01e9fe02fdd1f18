import type { IncomingResponseMessage } from 'sip.js/lib/core/index.js'
import { LocalResponse } from '../core/local-response.js'
import { ParsedResponse } from '../message/parsed-message.js'
import { ReceivedResponse } from '../message/received.js'
import type { FinalResponse } from '../types.js'

/** Made up where nothing came: 408 or 503 (RFC 3261 8.1.3.1); what came was made by our parser. */
export function toFinalResponse(message: IncomingResponseMessage): FinalResponse {
  if (message instanceof ParsedResponse) return new ReceivedResponse(message)
  if (message.statusCode === 408) return { status: 408, reason: 'Request Timeout', local: true }
  const unsent = message instanceof LocalResponse && message.unsent
  const reason = message.reasonPhrase || 'Service Unavailable'
  return { status: 503, reason, local: true, ...(unsent ? { unsent } : {}) }
}
