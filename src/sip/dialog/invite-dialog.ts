import { TelephonyError } from '../../base/errors.js'
import type { CallPlace } from '../admission/source-limits.js'
import { ACCEPT, ALLOW, SUPPORTED } from '../capabilities.js'
import { dialogHeaderLines } from '../message/header-check.js'
import type { ParsedRequest, ParsedResponse } from '../message/parsed-message.js'
import { ReceivedRequest } from '../message/received.js'
import type { ServerRequest } from '../server-request.js'
import { InviteServer } from '../transaction/invite-server.js'
import { unavailable } from '../transaction/transaction.js'
import type { FinalResponse, HeaderField, SipBody, SipDialog, SipDialogHandlers } from '../types.js'
import { type AccountContext, guarded } from '../user-agent/account-context.js'
import { exchange } from '../user-agent/exchange.js'
import { AnswerableRequest } from '../user-agent/incoming-request.js'
import { Answer } from './answer.js'
import type { Dialog } from './dialog.js'
import type { DialogUsage } from './dialog-index.js'
import { sendReinvite } from './reinvite.js'

/** RFC 3261 8.1.1.8: requests that may move the remote target carry a Contact. */
const WITH_CONTACT = new Set(['UPDATE', 'NOTIFY', 'REFER', 'SUBSCRIBE'])
/** RFC 3261 14.2 allows 0 to 10 s. */
const LATER = 'Retry-After: 1'
const ENDED: FinalResponse = unavailable('Dialog has ended')

export interface InviteDialogInit {
  dialog: Dialog
  /** Who sent the INVITE. */
  madeBy: 'us' | 'peer'
  /** What a call from outside takes up. */
  place?: CallPlace
  /** The BYE of a caller that ends the early dialog (RFC 3261 15), with the values of its Reason. */
  left?: (reasons: readonly string[]) => void
}

/** The dialog of a call (RFC 3261 12 to 15), early from the first response that makes it, confirmed from the 2xx to the BYE. */
export class InviteDialog implements SipDialog, DialogUsage {
  readonly dialog: Dialog
  handlers: SipDialogHandlers = {}
  #context: AccountContext
  readonly #madeBy: 'us' | 'peer'
  #place: CallPlace | undefined
  #left: InviteDialogInit['left']
  #state: 'early' | 'confirmed' | 'ended' = 'early'
  /** Our 2xx without an ACK, by CSeq. */
  readonly #answers = new Map<number, Answer>()
  /** Those who wait for the ACK, sent or received. */
  #onAcknowledged: (() => void)[] | undefined = []
  /** The peer's re-INVITE or UPDATE that waits for our answer. */
  #offer: AnswerableRequest | undefined
  /** Our re-INVITE in progress. */
  #reinvite: AbortController | undefined
  #bye: Promise<FinalResponse> | undefined

  constructor(context: AccountContext, init: InviteDialogInit) {
    this.dialog = init.dialog
    this.#context = context
    this.#madeBy = init.madeBy
    this.#place = init.place
    this.#left = init.left
    context.dialogs.add(this, init.madeBy === 'peer')
  }

  get sipCallId(): string {
    return this.dialog.callId
  }

  get localTag(): string {
    return this.dialog.localTag
  }

  get remoteTag(): string {
    return this.dialog.remoteTag
  }

  /** The 2xx to our INVITE; the caller of this sends the ACK and then calls `acknowledged`. */
  confirmBy(response: ParsedResponse): void {
    this.#state = 'confirmed'
    this.dialog.confirm(response)
    this.dialog.keepInReach(response.source, this.#context.canReach)
  }

  /** Our 2xx to the peer's INVITE has been sent. */
  confirmWith(init: { cseq: number; transaction: InviteServer; text: string; hasOffer: boolean }): void {
    const { hasOffer, ...answer } = init
    this.#state = 'confirmed'
    this.#left = undefined
    // Our offer waits for the answer in the ACK.
    this.#awaitAck({ ...answer, refusesOffers: hasOffer })
  }

  /** The early dialog ends without a call. */
  abandon(): void {
    if (this.#state === 'early') this.#end()
  }

  /** The ACK to the peer's 2xx has been sent; the ACK to ours has come, or does not matter any more. */
  acknowledged(): void {
    const waiting = this.#onAcknowledged
    this.#onAcknowledged = undefined
    for (const go of waiting ?? []) go()
  }

  /** The ACK to the peer's 2xx could not be sent: the peer will end the call (RFC 3261 13.3.1.4). */
  ackUnsent(reason: string): void {
    this.#lose(unavailable(`the ACK could not be sent: ${reason}`, true))
  }

  /** Goes on at another endpoint, because the address of this one is gone. One that is being left already stays. */
  moveTo(context: AccountContext): void {
    if (this.#state === 'ended' || this.#bye) return
    this.#reinvite?.abort('The local address is gone')
    this.#reinvite = undefined
    this.#context.dialogs.remove(this)
    for (const answer of this.#answers.values()) answer.stop()
    this.#answers.clear() // their ACKs would come to where we were
    this.#context = context
    context.dialogs.add(this, this.#madeBy === 'peer')
    this.acknowledged()
  }

  async request(
    method: string,
    init: { headers?: readonly HeaderField[]; body?: SipBody; signal?: AbortSignal } = {},
  ): Promise<FinalResponse> {
    if (this.#state === 'ended') return ENDED
    const context = this.#context
    const response = await this.#send(method, init)
    this.#checkLost(response, context)
    return response
  }

  async reinvite(
    body: SipBody,
    init: { headers?: readonly HeaderField[]; signal?: AbortSignal } = {},
  ): Promise<FinalResponse> {
    const lines = dialogHeaderLines(init.headers)
    await this.#acknowledgment() // 14.1: never while another INVITE is in progress
    if (this.#state === 'ended') return ENDED
    // 14.1: one INVITE at a time, in whichever direction.
    if (this.#reinvite || this.#offer || this.#answers.size > 0) {
      throw new TelephonyError('WRONG_STATE', 'another re-INVITE is in progress')
    }
    const context = this.#context
    const controller = new AbortController()
    const abort = (): void => controller.abort(init.signal?.reason)
    this.#reinvite = controller
    init.signal?.addEventListener('abort', abort)
    if (init.signal?.aborted) abort()
    const { signal } = controller
    const ackUnsent = (reason: string): void => this.ackUnsent(reason)
    const response = await sendReinvite(context, this.dialog, { body, lines, signal, ackUnsent })
    init.signal?.removeEventListener('abort', abort)
    if (this.#reinvite === controller) this.#reinvite = undefined
    this.#checkLost(response, context)
    return response
  }

  bye(init: { headers?: readonly HeaderField[] } = {}): Promise<FinalResponse> {
    this.#bye ??= this.#state === 'ended' ? Promise.resolve(ENDED) : this.#sendBye(init)
    return this.#bye
  }

  receive(request: ServerRequest): void {
    const { method, cseq } = request.message
    if (!this.dialog.acceptSequence(cseq))
      this.#respond(request, 500) // 12.2.2
    else if (method === 'BYE') this.#receiveBye(request)
    else if (method === 'INVITE') this.#receiveReinvite(request)
    else if (method === 'UPDATE') this.#receiveUpdate(request)
    else if (method === 'OPTIONS') this.#respond(request, 200, [ALLOW, ACCEPT, ...SUPPORTED])
    else if (this.#bye) this.#respond(request, 481)
    else if (method === 'INFO') this.#ask(request, this.handlers.request)
    else this.#ask(request, this.#context.init.handlers.request)
  }

  /** An ACK to our 2xx, to the INVITE or to a re-INVITE; any other one has no effect. */
  receiveAck(ack: ParsedRequest): void {
    const answer = this.#answers.get(ack.cseq)
    if (!answer) return
    answer.stop()
    this.#answers.delete(ack.cseq)
    this.acknowledged()
    this.#place?.established()
    if (this.#state === 'confirmed') {
      this.#guarded('acknowledged', () => this.handlers.acknowledged?.(new ReceivedRequest(ack).body))
    }
  }

  cancelled(): void {
    this.#offer?.reject(487)
  }

  close(): void {
    this.#reinvite?.abort('Endpoint closed')
    this.#end()
  }

  async #sendBye(init: { headers?: readonly HeaderField[] }): Promise<FinalResponse> {
    dialogHeaderLines(init.headers) // wrong ones are told before anything is waited for
    await this.#acknowledgment() // 15: never between the 2xx and its ACK
    if (this.#state === 'ended') return ENDED
    this.#offer?.reject(487)
    const response = this.#send('BYE', init)
    // The dialog stays known until the answer, so that a BYE that crosses ours gets 200 and not 481.
    return response.finally(() => this.#end())
  }

  async #send(
    method: string,
    init: { headers?: readonly HeaderField[]; body?: SipBody; signal?: AbortSignal },
  ): Promise<FinalResponse> {
    const { contactLine, userAgentLines } = this.#context
    const contact = WITH_CONTACT.has(method) ? [contactLine] : []
    const lines = [...contact, ...dialogHeaderLines(init.headers), ...userAgentLines]
    const request = this.dialog.request(method, { lines, body: init.body })
    const { canReach } = this.#context
    return exchange(this.#context, request, {
      inDialog: true,
      // 12.2.1.2, RFC 3311 5.1
      accepted: (response) => {
        if (method === 'UPDATE') this.dialog.refresh(response, canReach)
      },
      nextSeq: () => this.dialog.nextSeq(),
      signal: init.signal,
    })
  }

  /** RFC 3261 12.2.1.2: 481 and 408 end the dialog; ending one that began with INVITE means to send BYE. */
  #checkLost(response: FinalResponse, context: AccountContext): void {
    // What was asked from an address that is gone could not be answered.
    if (context !== this.#context) return
    if (response.status === 481 || response.status === 408) this.#lose(response)
  }

  #lose(response: FinalResponse): void {
    if (this.#state === 'ended' || this.#bye) return
    this.bye().catch((error) => this.#context.log.debug({ err: error }, 'BYE to a lost dialog'))
    this.#guarded('lost', () => this.handlers.lost?.(response))
  }

  #acknowledgment(): Promise<void> {
    const waiting = this.#onAcknowledged
    return waiting ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve()
  }

  #awaitAck(init: { cseq: number; transaction: InviteServer; text: string; refusesOffers: boolean }): void {
    const { cseq, ...how } = init
    this.#answers.set(cseq, new Answer(this.#context.clock, { ...how, missed: () => this.#missAck(cseq) }))
  }

  /** RFC 3261 13.3.1.4 */
  #missAck(cseq: number): void {
    this.#answers.delete(cseq)
    this.acknowledged()
    if (this.#state === 'ended' || this.#bye) return
    if (this.handlers.ackTimeout) this.#guarded('ackTimeout', () => this.handlers.ackTimeout?.())
    else this.bye().catch((error) => this.#context.log.debug({ err: error }, 'BYE after a lost ACK'))
  }

  #receiveBye(request: ServerRequest): void {
    this.#respond(request, 200)
    const { message } = request
    if (this.#state === 'early') {
      this.#left?.(message.headers('reason'))
      this.#end()
      return
    }
    this.#offer?.reject(487) // 15.1.2
    const ours = this.#bye !== undefined
    this.#end()
    if (!ours) this.#guarded('bye', () => this.handlers.bye?.(new ReceivedRequest(message)))
  }

  /** RFC 3261 14.2, RFC 6337 4.3 */
  #receiveReinvite(request: ServerRequest): void {
    const { transaction, message } = request
    if (!(transaction instanceof InviteServer)) return
    if (this.#offerRefused(request)) return
    this.#decideOffer(request, (status, text) => {
      if (status < 300) this.#awaitAck({ cseq: message.cseq, transaction, text, refusesOffers: true })
    })
  }

  /** RFC 3311 5.2 */
  #receiveUpdate(request: ServerRequest): void {
    const { message } = request
    const isRefresh = message.body === '' && (this.#state === 'early' || !(this.#reinvite || this.#offer))
    if (!isRefresh && this.#offerRefused(request)) return
    if (!isRefresh) this.#decideOffer(request)
    else {
      this.dialog.refresh(message, this.#context.canReach)
      this.#respond(request, 200, [this.#context.contactLine, ALLOW])
    }
  }

  /** An offer that comes while another one is open is refused (14.2); true if it has been. */
  #offerRefused(request: ServerRequest): boolean {
    const isEarly = this.#state === 'early'
    const awaitsAck = [...this.#answers.values()].some(({ refusesOffers }) => refusesOffers)
    if (this.#reinvite || (isEarly && this.#madeBy === 'us')) this.#respond(request, 491)
    else if (this.#offer || isEarly || awaitsAck) this.#respond(request, 500, [LATER])
    else return false
    return true
  }

  #decideOffer(request: ServerRequest, answered: (status: number, text: string) => void = () => {}): void {
    const offer = new AnswerableRequest(this.#context, request, (status, text) => {
      this.#offer = undefined
      // RFC 6141 4: a request that is refused does not move the target.
      if (status < 300) this.dialog.refresh(request.message, this.#context.canReach)
      answered(status, text)
    })
    const { request: handler } = this.handlers
    if (!handler || this.#bye) {
      offer.reject(488)
      return
    }
    this.#offer = offer
    offer.decideBy(handler)
    if (offer.isOpen && request.message.method === 'INVITE') request.trying() // 17.2.1: the answer may take its time
  }

  /** Without a handler: 200 for INFO, 405 for all others. */
  #ask(request: ServerRequest, handler: SipDialogHandlers['request']): void {
    const incoming = new AnswerableRequest(this.#context, request)
    if (handler) incoming.decideBy(handler)
    else if (request.message.method === 'INFO') incoming.accept()
    else incoming.reject(405)
  }

  #respond(request: ServerRequest, status: number, lines: readonly string[] = []): void {
    request.respond(status, { lines: [...lines, ...this.#context.userAgentLines] })
  }

  #end(): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    for (const answer of this.#answers.values()) answer.stop()
    this.#answers.clear()
    this.acknowledged()
    this.#place?.ended()
    this.#context.dialogs.remove(this)
  }

  #guarded<Result>(what: string, run: () => Result): Result | undefined {
    return guarded(this.#context.log, what, run)
  }
}
