import type { IncomingRequest, ResponseOptions } from 'sip.js/lib/core/index.js'
import { sessionBody } from '../message/body.js'
import { checkText, dialogHeaderLines, headerLines } from '../message/header-check.js'
import type { HeaderField, IncomingOffer, SipBody, SipRequest } from '../types.js'

/** sip.js' side of it. */
export type OfferServer = Pick<IncomingRequest, 'message' | 'accept' | 'reject'>

/**
 * A re-INVITE or UPDATE that waits for its answer. Whatever comes after the answer is ignored: the peer may have
 * cancelled or hung up meanwhile.
 */
export class PeerOffer implements IncomingOffer {
  readonly request: SipRequest
  readonly #server: OfferServer
  readonly #contactLines: readonly string[]
  readonly #answered: () => void
  #open = true

  constructor(
    deps: { server: OfferServer; answered: () => void },
    init: { request: SipRequest; contactLines: readonly string[] },
  ) {
    this.#server = deps.server
    this.#answered = deps.answered
    this.request = init.request
    this.#contactLines = init.contactLines
  }

  accept(init: { headers?: readonly HeaderField[]; body?: SipBody }): void {
    const body = sessionBody(init.body)
    const extraHeaders = [...this.#contactLines, ...dialogHeaderLines(init.headers)]
    this.#answer(() => this.#server.accept({ statusCode: 200, extraHeaders, ...(body ? { body } : {}) }))
  }

  reject(status: number, init: { reason?: string; headers?: readonly HeaderField[] } = {}): void {
    const options: ResponseOptions = { statusCode: status, extraHeaders: headerLines(init.headers) }
    if (init.reason !== undefined) options.reasonPhrase = checkText('reason', init.reason)
    this.#answer(() => this.#server.reject(options))
  }

  #answer(send: () => unknown): void {
    if (!this.#open) return
    this.#open = false
    send()
    this.#answered()
  }
}
