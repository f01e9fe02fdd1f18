import {
  type IncomingRequest,
  NonInviteServerTransaction,
  type SessionDialog,
  TransactionState,
  UserAgentServer,
} from 'sip.js/lib/core/index.js'
import type { CallPlace } from '../admission/source-limits.js'
import { sideKey } from '../core/account-core.js'
import { ALLOW, refusalLines } from '../core/core-settings.js'
import { keepInReach, moveToCore, refreshRemoteTarget } from '../core/dialog-internals.js'
import { sessionBody } from '../message/body.js'
import { dialogHeaderLines } from '../message/header-check.js'
import { NULL_TAG, type ParsedRequest } from '../message/parsed-message.js'
import { ReceivedRequest } from '../message/received.js'
import type { FinalResponse, HeaderField, SipBody, SipDialog, SipDialogHandlers } from '../types.js'
import { type AccountContext, contactLine, type DialogReceiver, guarded } from '../user-agent/account-context.js'
import { sendRequest, withCredentials } from '../user-agent/send-request.js'
import { sendTrying } from '../user-agent/trying.js'
import { type OfferServer, PeerOffer } from './peer-offer.js'
import { sendReinvite } from './reinvite.js'

/** RFC 3261 8.1.1.8: requests that may move the remote target carry a Contact. */
const WITH_CONTACT = new Set(['UPDATE', 'NOTIFY', 'REFER', 'SUBSCRIBE'])

const ENDED: FinalResponse = { status: 503, reason: 'Dialog has ended', local: true }

/** A confirmed dialog (RFC 3261 12) around sip.js' own, from the 2xx to the BYE. */
export class EstablishedDialog implements SipDialog, DialogReceiver {
  readonly sipCallId: string
  readonly localTag: string
  readonly remoteTag: string
  handlers: SipDialogHandlers = {}
  #context: AccountContext
  readonly #session: SessionDialog
  readonly #place: CallPlace | undefined
  #forget: () => void
  /** Ends the wait for the answer to our re-INVITE. */
  #abandon: (() => void) | undefined
  /** Opens with the ACK (sent or received), or when none will come. */
  readonly #acknowledged: Promise<void>
  #confirm!: () => void
  #offer: PeerOffer | undefined
  #bye: Promise<FinalResponse> | undefined
  #ended = false

  /** `place` is what a call from outside takes up. */
  constructor(context: AccountContext, session: SessionDialog, place?: CallPlace) {
    this.#context = context
    this.#place = place
    this.#session = session
    this.sipCallId = session.callId
    this.localTag = session.localTag
    this.remoteTag = session.remoteTag === NULL_TAG ? '' : session.remoteTag
    this.#acknowledged = new Promise((resolve) => {
      this.#confirm = resolve
    })
    this.#listen()
    this.#forget = this.#enter(context)
  }

  /** Goes on at another endpoint, because the address of this one is gone. One that is being left already stays. */
  moveTo(context: AccountContext): void {
    if (this.#ended || this.#bye) return
    this.#abandon?.()
    this.#abandon = undefined
    this.#forget()
    moveToCore(this.#session, context.core)
    this.#context = context
    this.#forget = this.#enter(context)
    this.#confirm() // an ACK would come to where we were
  }

  /** Returns what takes it out again. */
  #enter(context: AccountContext): () => void {
    const { dialogs, byPeer, closing } = context
    const session = this.#session
    const key = sideKey(session.callId, session.remoteTag)
    dialogs.set(session.id, this)
    if (this.#place) byPeer.set(key, session)
    const forgetClosing = closing.add(() => this.#end())
    return () => {
      forgetClosing()
      dialogs.delete(session.id)
      if (byPeer.get(key) === session) byPeer.delete(key)
    }
  }

  /** The ACK to the peer's 2xx has been sent (UAC only; the UAS hears of it from the peer). */
  confirmed(): void {
    this.#confirm()
  }

  /** The ACK to the peer's 2xx could not be sent: the peer will end the call (RFC 3261 13.3.1.4). */
  ackUnsent(reason: string): void {
    this.#lose({ status: 503, reason: `the ACK could not be sent: ${reason}`, local: true, unsent: true })
  }

  async request(
    method: string,
    init: { headers?: readonly HeaderField[]; body?: SipBody } = {},
  ): Promise<FinalResponse> {
    if (this.#ended) return ENDED
    const context = this.#context
    const response = await this.#send(method, init)
    this.#checkLost(response, context)
    return response
  }

  async reinvite(body: SipBody): Promise<FinalResponse> {
    await this.#acknowledged // 14.1: never while another INVITE is in progress
    if (this.#ended) return ENDED
    const context = this.#context
    const response = await sendReinvite(context, this.#session, {
      body,
      begun: (abandon) => {
        this.#abandon = abandon
      },
      ackUnsent: (reason) => this.ackUnsent(reason),
    })
    if (context === this.#context) this.#abandon = undefined
    this.#checkLost(response, context)
    return response
  }

  bye(init: { headers?: readonly HeaderField[] } = {}): Promise<FinalResponse> {
    this.#bye ??= this.#ended ? Promise.resolve(ENDED) : this.#sendBye(init)
    return this.#bye
  }

  /** RFC 3311 5.2 */
  receiveUpdate(message: ParsedRequest): void {
    const { core } = this.#context
    if (this.#session.reinviteUserAgentClient) {
      core.replyStateless(message, { statusCode: 491 })
    } else if (this.#offer) {
      core.replyStateless(message, { statusCode: 500, extraHeaders: ['Retry-After: 1'] })
    } else {
      refreshRemoteTarget(this.#session, message, this.#context.canReach)
      const server = new UserAgentServer(NonInviteServerTransaction, core, message)
      if (message.body !== '') this.#receiveOffer(server)
      else server.accept({ statusCode: 200, extraHeaders: this.#contactLines() }) // it moves the target, no more
    }
  }

  async #sendBye(init: { headers?: readonly HeaderField[] }): Promise<FinalResponse> {
    dialogHeaderLines(init.headers) // wrong ones are told before anything is waited for
    await this.#acknowledged // 15: never between the 2xx and its ACK
    if (this.#ended) return ENDED
    this.#offer?.reject(487)
    const response = this.#send('BYE', init)
    // The dialog stays known until the answer, so that a BYE that crosses ours gets 200 and not 481.
    return response.finally(() => this.#end())
  }

  #send(method: string, init: { headers?: readonly HeaderField[]; body?: SipBody }): Promise<FinalResponse> {
    const lines = dialogHeaderLines(init.headers)
    if (WITH_CONTACT.has(method)) lines.push(contactLine(this.#context))
    const body = sessionBody(init.body)
    const make = (credentials: readonly string[]) =>
      this.#session.createOutgoingRequestMessage(method, {
        extraHeaders: withCredentials(lines, credentials),
        ...(body ? { body } : {}),
      })
    return sendRequest(this.#context, make, { inDialog: true })
  }

  /** RFC 3261 12.2.1.2: 481 and 408 end the dialog; ending one that began with INVITE means to send BYE. */
  #checkLost(response: FinalResponse, context: AccountContext): void {
    // What was asked from an address that is gone could not be answered.
    if (context !== this.#context) return
    if (response.status === 481 || response.status === 408) this.#lose(response)
  }

  #lose(response: FinalResponse): void {
    if (this.#ended || this.#bye) return
    this.bye().catch((error) => this.#context.log.debug({ err: error }, 'BYE to a lost dialog'))
    this.#guarded('lost', () => this.handlers.lost?.(response))
  }

  #listen(): void {
    this.#session.delegate = {
      onAck: ({ message }) => this.#receiveAck(message as ParsedRequest),
      onAckTimeout: () => this.#missAck(),
      onBye: (bye) => this.#receiveBye(bye),
      onInfo: (info) => this.#answerWith(info, (request) => this.handlers.info?.(request) ?? 200),
      onMessage: (message) => this.#answerWith(message, (request) => this.#outOfDialogStatus(request)),
      onNotify: (notify) => this.#answerWith(notify, (request) => this.#outOfDialogStatus(request)),
      onInvite: (invite) => this.#receiveReinvite(invite),
    }
  }

  #receiveAck(message: ParsedRequest): void {
    this.#confirm()
    this.#place?.established()
    if (!this.#ended)
      this.#guarded('acknowledged', () => this.handlers.acknowledged?.(new ReceivedRequest(message).body))
  }

  /** RFC 3261 13.3.1.4. Core tells it even after a BYE. */
  #missAck(): void {
    this.#confirm()
    if (this.#ended || this.#bye) return
    if (this.handlers.ackTimeout) this.#guarded('ackTimeout', () => this.handlers.ackTimeout?.())
    else this.bye().catch((error) => this.#context.log.debug({ err: error }, 'BYE after a lost ACK'))
  }

  #receiveBye(bye: IncomingRequest): void {
    bye.accept()
    this.#offer?.reject(487) // 15.1.2
    const ours = this.#bye !== undefined
    this.#end()
    if (!ours) this.#guarded('bye', () => this.handlers.bye?.(new ReceivedRequest(bye.message as ParsedRequest)))
  }

  #receiveReinvite(invite: IncomingRequest): void {
    invite.delegate = { onCancel: () => this.#offer?.reject(487) }
    keepInReach(this.#session, (invite.message as ParsedRequest).source, this.#context.canReach)
    const { reinviteUserAgentServer: server } = this.#session
    const transaction = server?.transaction
    transaction?.addStateChangeListener(() => {
      // Core waits for the ACK for ever, and refuses every re-INVITE until then.
      if (transaction.state !== TransactionState.Terminated || this.#session.reinviteUserAgentServer !== server) return
      this.#session.reinviteUserAgentServer = undefined
      this.#missAck()
    })
    this.#receiveOffer(invite)
  }

  #receiveOffer(server: OfferServer): void {
    const offer = new PeerOffer(
      {
        server,
        answered: () => {
          this.#offer = undefined
        },
      },
      {
        request: new ReceivedRequest(server.message as ParsedRequest),
        contactLines: this.#contactLines(),
      },
    )
    this.#offer = offer
    if (!this.handlers.reinvite || this.#bye) {
      offer.reject(488)
      return
    }
    const told = this.#guarded('reinvite', () => {
      this.handlers.reinvite?.(offer)
      return true
    })
    if (!told) offer.reject(500)
    else if (this.#offer) sendTrying(this.#context.core, server.message) // 17.2.1: the answer may take its time
  }

  #contactLines(): string[] {
    return [contactLine(this.#context), ALLOW]
  }

  /** The handler's status is the answer. */
  #answerWith(server: IncomingRequest, decide: (request: ReceivedRequest) => number): void {
    const request = new ReceivedRequest(server.message as ParsedRequest)
    const statusCode = this.#bye ? 481 : (this.#guarded(request.method, () => decide(request)) ?? 500)
    if (statusCode < 300) server.accept({ statusCode })
    else server.reject({ statusCode, extraHeaders: refusalLines(statusCode) })
  }

  #outOfDialogStatus(request: ReceivedRequest): number {
    return this.#context.init.handlers.request?.(request) ?? 405
  }

  #end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#confirm()
    this.#place?.ended()
    this.#forget()
    this.#session.dispose()
  }

  #guarded<Result>(what: string, run: () => Result): Result | undefined {
    return guarded(this.#context.log, what, run)
  }
}
