import type { Standing } from './admission/source-index.js'
import type { CallPlace } from './admission/source-limits.js'
import type { ParsedRequest } from './message/parsed-message.js'
import type { ServerRequest } from './server-request.js'

/** A response that refuses a request, kept by nothing. */
export interface Refusal {
  status: number
  reason?: string
  /** Header lines. */
  lines?: readonly string[]
}

/** Takes the requests for one address: an account, or a part of a server. */
export interface Recipient {
  /** Policy, asked before any state is kept; undefined: the request is taken. */
  admit(message: ParsedRequest): Refusal | undefined
  /** Answers the request, now or later. `place` is what a call takes up. */
  receive(request: ServerRequest, place: CallPlace): void
}

/** Takes requests outside of dialogs. The dispatcher asks its services in their order; the accounts of an endpoint are one. */
export interface Service {
  /** What this service knows of a source, whatever it asks for. */
  standing(host: string): Standing
  /** The recipient of a request, if it hears the source; to other sources it does not exist. `hidden`: it exists, but not for this source. */
  find(message: ParsedRequest): Recipient | 'hidden' | undefined
}
