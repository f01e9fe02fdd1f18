import { ALLOW, OUR_CAPABILITIES } from '../capabilities.js'
import { checkText, dialogHeaderLines, headerLines } from '../message/header-check.js'
import { ReceivedRequest } from '../message/received.js'
import type { ServerRequest } from '../server-request.js'
import type { HeaderField, IncomingRequest, RequestHandler, SipBody, SipRequest } from '../types.js'
import type { AccountContext } from './account-context.js'

/** Requests that may carry an offer; their 2xx says where we are (RFC 3261 12.2.2, RFC 3311 5.2). */
const WITH_OFFER = new Set(['INVITE', 'UPDATE'])

/** What a request gets that no handler takes. */
const UNHANDLED: ReadonlyMap<string, number> = new Map([
  ['INVITE', 488],
  ['UPDATE', 488],
  ['REFER', 603],
  ['NOTIFY', 481],
  ['MESSAGE', 480],
  ['SUBSCRIBE', 489],
])

/** A request that waits for its answer. The first answer counts; the peer may have cancelled it, or hung up, before. */
export class AnswerableRequest implements IncomingRequest {
  readonly request: SipRequest
  readonly #server: ServerRequest
  readonly #context: AccountContext
  readonly #answered: (status: number, text: string) => void
  readonly #lines: readonly string[]
  #isOpen = true

  /** `answered` gets the response as it was sent. `lines`: more header lines of a 2xx. */
  constructor(
    context: AccountContext,
    server: ServerRequest,
    init: { answered?: (status: number, text: string) => void; lines?: readonly string[] } = {},
  ) {
    this.#context = context
    this.#server = server
    this.#answered = init.answered ?? (() => {})
    this.#lines = init.lines ?? []
    this.request = new ReceivedRequest(server.message)
  }

  /** False after the answer, and after 64*T1 without one, when the peer waits no more. */
  get isOpen(): boolean {
    return this.#isOpen && this.#server.transaction.state !== 'terminated'
  }

  accept(init: { status?: number; headers?: readonly HeaderField[]; body?: SipBody } = {}): void {
    const lines = dialogHeaderLines(init.headers)
    const { contacts, userAgentLines } = this.#context
    const ours = WITH_OFFER.has(this.request.method) ? [this.#server.contactLine(contacts), ALLOW] : []
    this.#answer(init.status ?? 200, { lines: [...ours, ...this.#lines, ...lines, ...userAgentLines], body: init.body })
  }

  reject(status: number, init: { reason?: string; headers?: readonly HeaderField[] } = {}): void {
    const reason = init.reason === undefined ? undefined : checkText('reason', init.reason)
    const lines = [
      ...OUR_CAPABILITIES.refusalLines(status, this.request.method),
      ...headerLines(init.headers),
      ...this.#context.userAgentLines,
    ]
    this.#answer(status, { reason, lines })
  }

  /**
   * Lets a handler decide, now or later; if it throws or rejects, the answer is 500. Without a handler INFO is taken, an offer is not
   * acceptable, REFER is declined, NOTIFY has no subscription (RFC 6665 4.1.3), and other methods are not allowed.
   */
  decideBy(handler: RequestHandler | undefined): void {
    const { method } = this.request
    if (!handler) {
      if (method === 'INFO') this.accept()
      else this.reject(UNHANDLED.get(method) ?? 405)
      return
    }
    const fail = (error: unknown): void => {
      this.#context.log.error({ err: error }, `${method} handler failed`)
      this.reject(500)
    }
    try {
      handler(this)?.catch(fail)
    } catch (error) {
      fail(error)
    }
    const { transaction } = this.#server
    if (this.isOpen && 'awaitAnswer' in transaction) transaction.awaitAnswer()
  }

  #answer(status: number, init: Parameters<ServerRequest['respond']>[1]): void {
    if (!this.isOpen) return
    const text = this.#server.respond(status, init)
    this.#isOpen = false
    this.#answered(status, text)
  }
}
