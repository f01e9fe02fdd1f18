import type {
  AckableIncomingResponseWithSession,
  IncomingResponse,
  IncomingResponseMessage,
  OutgoingInviteRequestDelegate,
  OutgoingRequestMessage,
} from 'sip.js/lib/core/index.js'
import { SessionDialog } from 'sip.js/lib/core/index.js'
import type { Timer } from '../../base/clock.js'
import { newToken } from '../../base/ids.js'
import { sideKey } from '../core/account-core.js'
import { ALLOW } from '../core/core-settings.js'
import { refreshRemoteTarget } from '../core/dialog-internals.js'
import { localResponse } from '../core/local-response.js'
import { InviteClient } from '../core/user-agent-clients.js'
import { EstablishedDialog } from '../dialog/established-dialog.js'
import { sessionBody } from '../message/body.js'
import { checkText, dialogHeaderLines } from '../message/header-check.js'
import { ParsedResponse } from '../message/parsed-message.js'
import { ReceivedResponse } from '../message/received.js'
import { TRANSACTION_MS } from '../transaction/timers.js'
import type { FinalResponse, OutgoingInvite, OutgoingInviteHandlers, OutgoingInviteInit } from '../types.js'
import { escapeDisplayName } from '../uri/name-addr.js'
import { type AccountContext, contactLine, guarded } from './account-context.js'
import { CredentialsRound, credentialsIn } from './credentials-round.js'
import { toFinalResponse } from './final-response.js'
import { withCredentials } from './send-request.js'
import { targetUri } from './target-uri.js'

const TERMINATED = { status: 487, reason: 'Request Terminated' }

/** An INVITE outside of any dialog, from the first send to `answered` or `failed` (RFC 3261 13.2). */
export class SentInvite implements OutgoingInvite {
  readonly #context: AccountContext
  readonly #init: OutgoingInviteInit
  readonly #handlers: OutgoingInviteHandlers
  readonly #round: CredentialsRound
  readonly fromTag: string
  readonly #headers: readonly string[]
  readonly #target
  readonly #to
  #client: InviteClient
  #cseq: number
  #provisional = false
  #cancelled = false
  #done = false
  #giveUp: Timer | undefined
  #forget: () => void

  constructor(context: AccountContext, init: OutgoingInviteInit, handlers: OutgoingInviteHandlers) {
    this.#context = context
    this.#init = init
    this.#handlers = handlers
    this.#round = new CredentialsRound(context, { inDialog: false })
    this.fromTag = init.after?.fromTag ?? newToken()
    this.#cseq = (init.after?.cseq ?? 0) + 1
    this.#target = targetUri(init.target)
    this.#to = init.to === undefined ? this.#target : targetUri(init.to)
    this.#headers = [contactLine(context), ALLOW, ...dialogHeaderLines(init.headers)]
    this.#client = this.#send()
    context.inviting.set(sideKey(init.sipCallId, this.fromTag), true)
    this.#forget = context.closing.add(this.#closed)
  }

  get cseq(): number {
    return this.#cseq
  }

  cancel(reason?: string): void {
    if (this.#done || this.#cancelled) return
    this.#cancelled = true
    // Core sends it at once or with the first provisional response: before that there is nothing to cancel (9.1).
    this.#client.cancel(reason === undefined ? undefined : checkText('reason', reason))
    if (this.#provisional) this.#awaitFinal()
  }

  readonly #closed = (): void => {
    this.#giveUp?.cancel()
    this.#fail(toFinalResponse(localResponse(503, 'Endpoint closed')))
  }

  #send(credentials?: readonly string[]): InviteClient {
    const { core, aor } = this.#context
    const { fromDisplayName, sipCallId, body } = this.#init
    const message = core.makeOutgoingRequestMessage(
      'INVITE',
      this.#target,
      aor,
      this.#to,
      {
        callId: checkText('Call-ID', sipCallId),
        cseq: this.#cseq,
        fromTag: this.fromTag,
        ...(fromDisplayName === undefined
          ? {}
          : { fromDisplayName: escapeDisplayName(checkText('display name', fromDisplayName)) }),
      },
      withCredentials(this.#headers, credentials ?? []),
      sessionBody(body),
    )
    if (!credentials) this.#round.ahead(message)
    this.#provisional = false
    return new InviteClient(core, message, this.#delegate(message))
  }

  #delegate(request: OutgoingRequestMessage): OutgoingInviteRequestDelegate {
    const final = ({ message }: IncomingResponse): void => this.#failure(message, request)
    return {
      onTrying: () => this.#onProvisional(),
      onProgress: ({ message }) => {
        this.#onProvisional()
        if (this.#done || this.#cancelled || !(message instanceof ParsedResponse)) return
        this.#guarded('progress', () => this.#handlers.progress(new ReceivedResponse(message)))
      },
      onAccept: (response) => {
        this.#round.accepted(request)
        this.#success(response, request)
      },
      onRedirect: final,
      onReject: final,
    }
  }

  #onProvisional(): void {
    const first = !this.#provisional
    this.#provisional = true
    if (first && this.#cancelled && !this.#done) this.#awaitFinal()
  }

  #success(response: AckableIncomingResponseWithSession, request: OutgoingRequestMessage): void {
    const { message, session } = response
    if (!(session instanceof SessionDialog) || !(message instanceof ParsedResponse)) return
    refreshRemoteTarget(session, message, this.#context.canReach)
    const ack = () => response.ack({ extraHeaders: credentialsIn(request) })
    const dialog = new EstablishedDialog(this.#context, session)
    if (this.#done || this.#cancelled) {
      // RFC 3261 13.2.2.4: the 2xx of another fork, or one that crossed our CANCEL, is acknowledged and ended.
      ack()
      dialog.confirmed()
      dialog.bye().catch((error) => this.#context.log.debug({ err: error }, 'BYE to another fork'))
      this.#fail(new ReceivedResponse(message, TERMINATED))
      return
    }
    this.#end()
    this.#client.ackUnsent = (reason) => dialog.ackUnsent(reason)
    this.#guarded('answered', () => this.#handlers.answered(dialog, new ReceivedResponse(message)))
    ack()
    dialog.confirmed()
  }

  #failure(message: IncomingResponseMessage, request: OutgoingRequestMessage): void {
    if (this.#done) return
    if (this.#cancelled && message instanceof ParsedResponse) {
      this.#fail(new ReceivedResponse(message, TERMINATED))
      return
    }
    const credentials = this.#round.answer(message, request)
    if (!credentials) {
      this.#fail(toFinalResponse(message))
      return
    }
    this.#cseq++
    this.#client = this.#send(credentials)
  }

  /** RFC 3261 9.1: no answer within 64*T1 of the CANCEL, so none will come. */
  #awaitFinal(): void {
    const { clock, closing } = this.#context
    this.#giveUp = clock.setTimeout(() => {
      this.#fail(toFinalResponse(localResponse(408, 'Request Timeout')))
      // A 2xx that comes even now is still acknowledged and ended.
      this.#giveUp = clock.setTimeout(() => this.#abandon(), TRANSACTION_MS)
      this.#forget = closing.add(this.#closed)
    }, TRANSACTION_MS)
  }

  /** Core's transaction has no timer left that would end it (Timer B ends with the first provisional response). */
  #abandon(): void {
    const { core, clients } = this.#context
    this.#forget()
    const branch = this.#client.transaction.id
    clients.forget(branch, 'INVITE')
    core.userAgentClients.delete(`${branch}INVITE`)
    this.#client.dispose()
  }

  #fail(response: FinalResponse): void {
    if (this.#done) return
    this.#end()
    this.#guarded('failed', () => this.#handlers.failed(response))
  }

  #end(): void {
    this.#done = true
    this.#context.inviting.delete(sideKey(this.#init.sipCallId, this.fromTag))
    this.#giveUp?.cancel()
    this.#forget()
  }

  #guarded<Result>(what: string, run: () => Result): Result | undefined {
    return guarded(this.#context.log, what, run)
  }
}
