import type { HeaderField, SipBody, SipRequest } from './message.js'

/** A request of the peer that waits for its final response. Only the first answer counts; later ones do nothing. */
export interface IncomingRequest {
  readonly request: SipRequest
  /** 2xx; `status` is 200 if it is absent. Throws BAD_HEADER. */
  accept(init?: { status?: number; headers?: readonly HeaderField[]; body?: SipBody }): void
  /** 300 to 699. Throws BAD_HEADER. */
  reject(status: number, init?: { reason?: string; headers?: readonly HeaderField[] }): void
}

/** Answers now or later. If it throws or rejects, the request is answered with 500. */
export type RequestHandler = (incoming: IncomingRequest) => void | Promise<void>
