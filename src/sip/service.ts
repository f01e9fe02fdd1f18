import type { Standing } from './admission/source-index.js'
import type { CallPlace } from './admission/source-limits.js'
import type { ParsedRequest } from './message/parsed-message.js'
import type { ServerRequest } from './server-request.js'

/** A response that refuses a request without keeping any state. */
export interface Refusal {
  status: number
  reason?: string
  /** Header lines. */
  lines?: readonly string[]
}

/** Takes the requests for one address: an account, or a part of a server. */
export interface Recipient {
  /** Policy, checked before any state is kept; undefined: the request is accepted. */
  admit(message: ParsedRequest): Refusal | undefined
  /** Answers the request, now or later. `place`: what the call occupies in the limits of its endpoint. */
  receive(request: ServerRequest, place: CallPlace): void
}

/** Takes requests outside of dialogs. The dispatcher asks its services in their order; the accounts of an endpoint are one. */
export interface Service {
  /** What this service knows of a source, independent of the request. */
  standing(host: string): Standing
  /** The recipient of a request. `hidden`: there is one, but it does not hear the source. */
  find(message: ParsedRequest): Recipient | 'hidden' | undefined
}
