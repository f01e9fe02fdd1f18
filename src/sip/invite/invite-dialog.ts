import { TelephonyError } from '../../base/errors.js'
import { readable } from '../../base/octets.js'
import type { CallPlace } from '../admission/source-limits.js'
import { CAPABILITY_LINES } from '../capabilities.js'
import type { Dialog } from '../dialog/dialog.js'
import type { DialogUsage } from '../dialog/dialog-index.js'
import { glareMs, offerRetryMs } from '../dialog/offer-retry.js'
import { dialogHeaderLines } from '../message/header-check.js'
import type { ParsedRequest, ParsedResponse } from '../message/parsed-message.js'
import { ReceivedRequest } from '../message/received.js'
import type { ServerRequest } from '../server-request.js'
import type { InviteServer } from '../transaction/invite-server.js'
import { unavailable } from '../transaction/transaction.js'
import type {
  FinalResponse,
  HeaderField,
  InDialogInit,
  RequestHandler,
  SipBody,
  SipDialog,
  SipDialogHandlers,
} from '../types.js'
import { type AccountContext, guarded } from '../user-agent/account-context.js'
import { AnswerableRequest } from '../user-agent/answerable-request.js'
import { exchange, reasonOf } from '../user-agent/exchange.js'
import { AckGate } from './ack-gate.js'
import { DialogOffers, type FirstOffer } from './dialog-offers.js'
import { type EarlyCall, OFFER_REQUESTS } from './offer-requests.js'
import type { ReliableProvisionals } from './reliable-provisionals.js'
import { Session } from './session.js'
import { MIN_SESSION_SEC, type SessionTerms } from './session-terms.js'

/** RFC 3261 8.1.1.8: requests that may move the remote target carry a Contact. */
const WITH_CONTACT = new Set(['UPDATE', 'NOTIFY', 'REFER', 'SUBSCRIBE'])
/** The handler of the call takes these; others go to the account. */
const TAKEN_HERE = new Set(['INFO', 'REFER', 'NOTIFY'])
const ENDED = unavailable('Dialog has ended')

export interface InviteDialogInit {
  dialog: Dialog
  /** The side that sent the INVITE. */
  madeBy: 'us' | 'peer'
  firstOffer: FirstOffer
  /** Of an inbound call. */
  place?: CallPlace
  /** The INVITE of the peer, until the dialog is confirmed. */
  received?: EarlyCall
  /** The highest Min-SE that refused our INVITE. */
  minSessionSec?: number
}

/** Our 2xx to the peer's INVITE. */
interface SentSuccess {
  cseq: number
  transaction: InviteServer
  text: string
  hasOffer: boolean
  terms: SessionTerms | undefined
}

const offerInProgress = (): TelephonyError =>
  new TelephonyError('WRONG_STATE', 'another offer is in progress in this call. Wait for its answer')

/** The dialog of a call (RFC 3261 12 to 15), early from the first response that makes it, confirmed from the 2xx to the BYE. */
export class InviteDialog implements SipDialog, DialogUsage {
  readonly dialog: Dialog
  handlers: SipDialogHandlers = {}
  context: AccountContext
  readonly #madeBy: 'us' | 'peer'
  #place: CallPlace | undefined
  received: EarlyCall | undefined
  #provisionals: ReliableProvisionals | undefined
  #state: 'early' | 'confirmed' | 'ended' = 'early'
  readonly offers: DialogOffers
  readonly session: Session
  readonly #ackGate = new AckGate()
  #bye: Promise<FinalResponse> | undefined

  constructor(context: AccountContext, init: InviteDialogInit) {
    this.dialog = init.dialog
    this.context = context
    this.#madeBy = init.madeBy
    this.#place = init.place
    this.received = init.received
    this.offers = new DialogOffers(init.madeBy, init.firstOffer, () => this.#missAck())
    this.session = new Session(
      { clock: context.clock, log: context.log, dialog: this },
      { wishSec: context.init.sessionExpiresSec ?? 0, minSec: init.minSessionSec ?? MIN_SESSION_SEC },
    )
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

  get remoteUri(): string {
    return readable(this.dialog.remoteUri)
  }

  get isEarly(): boolean {
    return this.#state === 'early'
  }

  get provisionals(): ReliableProvisionals | undefined {
    return this.received?.provisionals ?? this.#provisionals
  }

  /** After our BYE offers are not acceptable any more. */
  get offerHandler(): RequestHandler | undefined {
    return this.#bye ? undefined : this.handlers.request
  }

  get isEnded(): boolean {
    return this.#state === 'ended'
  }

  /** The 2xx to our INVITE; the caller of this sends the ACK and then calls `acknowledged`. */
  confirmBy(response: ParsedResponse): void {
    this.#state = 'confirmed'
    this.offers.first = 'answered'
    this.dialog.confirm(response)
    this.session.heard(response)
    this.dialog.keepInReach(response.source, this.context.canReach)
  }

  /** Our 2xx to the peer's INVITE has been sent. */
  confirmWith(init: SentSuccess): void {
    const { cseq, transaction, text, hasOffer, terms } = init
    this.#state = 'confirmed'
    this.#provisionals = this.received?.provisionals
    this.received = undefined
    this.offers.first = 'answered'
    this.session.agree(terms)
    // Our offer waits for the answer in the ACK.
    this.offers.peers.answered(this.context.clock, { cseq, transaction, text, refusesOffers: hasOffer })
  }

  /** The INVITE of the peer ends before our 2xx, which waited for a PRACK, could be sent. */
  fail(reason: string): void {
    this.abandon()
    this.#guarded('lost', () => this.handlers.lost?.(unavailable(reason)))
  }

  /** The early dialog ends without a call. */
  abandon(): void {
    if (this.#state === 'early') this.#end()
  }

  /** The ACK to the peer's 2xx has been sent; the ACK to ours has come, or does not matter any more. */
  acknowledged(): void {
    this.#ackGate.open()
  }

  /** The ACK to the peer's 2xx could not be sent: the peer will end the call (RFC 3261 13.3.1.4). */
  ackUnsent(reason: string): void {
    this.#lose(unavailable(`the ACK could not be sent: ${reason}`, true))
  }

  /** Continues at another endpoint, because the address of this one is gone. A dialog that is ending stays. */
  moveTo(context: AccountContext): void {
    if (this.#hasLeft) return
    this.offers.ours.close('The local address is gone')
    this.context.dialogs.remove(this)
    this.offers.peers.leave()
    this.context = context
    context.dialogs.add(this, this.#madeBy === 'peer')
    this.acknowledged()
  }

  async request(method: string, init: InDialogInit = {}): Promise<FinalResponse> {
    if (this.#hasLeft) return ENDED
    if (method === 'REFER') this.context.dialogs.addReferrer(this)
    const context = this.context
    const response = await this.#send(method, init)
    // RFC 5057 5.1: a NOTIFY that the peer does not take ends its subscription, not the call.
    if (method !== 'NOTIFY') this.#checkLost(response, context)
    return response
  }

  /** RFC 3311 5.1 */
  async update(body?: SipBody, init: Omit<InDialogInit, 'body'> = {}): Promise<FinalResponse> {
    if (!body) return this.request('UPDATE', init)
    if (this.#hasLeft) return ENDED
    if (this.offers.isBusy) throw offerInProgress()
    return this.offers.ours.track(this.request('UPDATE', { ...init, body }))
  }

  /** The PRACK of a reliable response to our INVITE (RFC 3262 4). `body`: our answer to its offer, or else a new offer. */
  prack(rack: string, body: SipBody | undefined): Promise<FinalResponse> {
    const isAnswer = this.offers.first === 'theirs'
    const hasOffer = body !== undefined && !isAnswer
    if (hasOffer && this.offers.isBusy) throw offerInProgress()
    if (body && isAnswer) this.offers.first = 'answered'
    const sent = this.#send('PRACK', body ? { body } : {}, [`RAck: ${rack}`])
    return hasOffer ? this.offers.ours.track(sent) : sent
  }

  /** A reliable response to our INVITE carries a session description (RFC 3262 5). */
  describedBy(hasOffered: boolean): void {
    if (this.offers.first === 'ours' || this.offers.first === 'none')
      this.offers.first = hasOffered ? 'answered' : 'theirs'
  }

  /** Our reliable response carries our offer. */
  offered(): void {
    this.offers.first = 'ours'
  }

  /** Offer and answer are complete. */
  get isAgreed(): boolean {
    return this.offers.first === 'answered'
  }

  allows(method: string): boolean {
    return this.dialog.allows(method)
  }

  retryMs(response?: FinalResponse): number | undefined {
    const ownsCallId = this.#madeBy === 'us'
    return response ? offerRetryMs(response, ownsCallId) : glareMs(ownsCallId)
  }

  async reinvite(body: SipBody, init: Omit<InDialogInit, 'body'> = {}): Promise<FinalResponse> {
    const more = dialogHeaderLines(init.headers)
    const { signal } = init
    await this.#ackGate.wait(signal) // 14.1: never while another INVITE is in progress
    if (this.#hasLeft) return ENDED
    if (signal?.aborted) return unavailable(reasonOf(signal))
    // 14.1: one INVITE at a time, in whichever direction.
    if (this.offers.isBusy || this.offers.peers.awaitsAck) throw offerInProgress()
    const context = this.context
    const ackUnsent = (reason: string): void => this.ackUnsent(reason)
    const { session } = this
    const lines = [...session.lines, ...more]
    const response = await this.offers.ours.reinvite(context, this.dialog, { body, lines, session, signal, ackUnsent })
    this.#checkLost(response, context)
    return response
  }

  async bye(init: { headers?: readonly HeaderField[] } = {}): Promise<FinalResponse> {
    if (!this.#bye) dialogHeaderLines(init.headers) // wrong ones leave the call as it is
    this.session.stop()
    this.#bye ??= this.#state === 'ended' ? Promise.resolve(ENDED) : this.#sendBye(init)
    return this.#bye
  }

  receive(request: ServerRequest): void {
    const { method, cseq, fromTag } = request.message
    // RFC 3515 2.4.4: the NOTIFY of a REFER may come within a dialog of its own, which has its own sequence.
    const isOfDialog = fromTag === this.dialog.remoteTag || method !== 'NOTIFY'
    if (isOfDialog && !this.dialog.acceptSequence(cseq))
      this.#respond(request, 500) // 12.2.2
    else if (method === 'BYE') this.#receiveBye(request)
    else if (method === 'INVITE' || method === 'UPDATE' || method === 'PRACK') OFFER_REQUESTS[method](this, request)
    else if (method === 'OPTIONS') this.#respond(request, 200, CAPABILITY_LINES)
    else if (this.#bye) this.#respond(request, 481)
    else if (method === 'SUBSCRIBE')
      this.#respond(request, 489) // RFC 6665 4.5.2: no subscription shares a dialog
    else if (TAKEN_HERE.has(method)) new AnswerableRequest(this.context, request).decideBy(this.handlers.request)
    else new AnswerableRequest(this.context, request).decideBy(this.context.init.handlers.request)
  }

  /** An ACK to our 2xx, to the INVITE or to a re-INVITE; any other one has no effect. */
  receiveAck(ack: ParsedRequest): void {
    if (!this.offers.peers.acknowledge(ack.cseq)) return
    this.acknowledged()
    this.#place?.established()
    if (this.#state === 'confirmed') {
      this.#guarded('acknowledged', () => this.handlers.acknowledged?.(new ReceivedRequest(ack).body))
    }
  }

  cancelled(): void {
    this.offers.peers.cancel()
  }

  close(): void {
    this.offers.ours.close('Endpoint closed')
    this.#end()
  }

  /** We have ended the call, and its BYE may still wait for the ACK (RFC 3261 15.1.1); or the peer has ended it. */
  get #hasLeft(): boolean {
    return this.#state === 'ended' || this.#bye !== undefined
  }

  async #sendBye(init: { headers?: readonly HeaderField[] }): Promise<FinalResponse> {
    await this.#ackGate.wait() // 15: never between the 2xx and its ACK
    if (this.#state === 'ended') return ENDED
    this.offers.peers.cancel()
    const response = this.#send('BYE', init)
    // The dialog stays known until the answer, so that a BYE that crosses ours gets 200 and not 481.
    return response.finally(() => this.#end())
  }

  async #send(method: string, init: InDialogInit, more: readonly string[] = []): Promise<FinalResponse> {
    const { contacts, userAgentLines } = this.context
    const contact = WITH_CONTACT.has(method) ? contacts : undefined
    const isRefresh = method === 'UPDATE'
    const session = isRefresh ? this.session.lines : []
    const refusals = this.session.refusals()
    const lines = [...session, ...more, ...dialogHeaderLines(init.headers), ...userAgentLines]
    const request = this.dialog.request(method, { contact, lines, body: init.body })
    const { canReach } = this.context
    return exchange(this.context, request, {
      inDialog: true,
      // 12.2.1.2, RFC 3311 5.1
      accepted: (response) => {
        if (!isRefresh) return
        this.dialog.refresh(response, canReach)
        if (session.length > 0) this.session.heard(response)
      },
      again: (response) => this.session.longerLines(refusals, response),
      nextSeq: () => this.dialog.nextSeq(),
      signal: init.signal,
    })
  }

  /** RFC 3261 12.2.1.2: 481 and 408 end the dialog; ending one that began with INVITE means to send BYE. */
  #checkLost(response: FinalResponse, context: AccountContext): void {
    // The address from which the request was sent is gone, so no response could arrive.
    if (context !== this.context) return
    if (response.status === 481 || response.status === 408) this.#lose(response)
  }

  #lose(response: FinalResponse): void {
    if (this.#hasLeft) return
    this.bye().catch((error) => this.context.log.debug({ err: error }, 'BYE to a lost dialog'))
    this.#guarded('lost', () => this.handlers.lost?.(response))
  }

  /** RFC 3261 13.3.1.4 */
  #missAck(): void {
    this.acknowledged()
    if (this.#hasLeft) return
    if (this.handlers.ackTimeout) this.#guarded('ackTimeout', () => this.handlers.ackTimeout?.())
    else this.bye().catch((error) => this.context.log.debug({ err: error }, 'BYE after a lost ACK'))
  }

  #receiveBye(request: ServerRequest): void {
    this.#respond(request, 200)
    const { message } = request
    if (this.#state === 'early') {
      this.received?.cancelled(message.headers('reason'))
      this.#end()
      return
    }
    this.offers.peers.cancel()
    const ours = this.#bye !== undefined
    this.#end()
    if (!ours) this.#guarded('bye', () => this.handlers.bye?.(new ReceivedRequest(message)))
  }

  #respond(request: ServerRequest, status: number, lines: readonly string[] = []): void {
    request.respond(status, { lines: [...lines, ...this.context.userAgentLines] })
  }

  #end(): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    this.session.stop()
    this.offers.peers.stop()
    this.acknowledged()
    this.#place?.ended()
    this.context.dialogs.remove(this)
  }

  #guarded<Result>(what: string, run: () => Result): Result | undefined {
    return guarded(this.context.log, what, run)
  }
}
