import type { Timer } from '../../base/clock.js'
import { ALLOW } from '../capabilities.js'
import type { PendingRequest } from '../delivery.js'
import type { Dialog } from '../dialog/dialog.js'
import type { OutgoingRequest } from '../message/outgoing-request.js'
import type { ParsedResponse } from '../message/parsed-message.js'
import type { InviteClient } from '../transaction/invite-client.js'
import { TRANSACTION_MS } from '../transaction/timers.js'
import { type InviteUser, timedOut, unavailable } from '../transaction/transaction.js'
import type { FinalResponse, LocalFinalResponse, SipBody } from '../types.js'
import type { AccountContext } from '../user-agent/account-context.js'
import { type Outcome, reasonOf, toFinalResponse } from '../user-agent/exchange.js'
import { RequestCredentials } from '../user-agent/request-credentials.js'
import { Ack, AckRepeats } from './ack.js'
import type { Session } from './session.js'
import type { SessionInterval } from './session-interval.js'

interface ReinviteInit {
  body: SipBody
  /** Header lines beyond ours. */
  lines: readonly string[]
  session: Session
  signal?: AbortSignal | undefined
  ackUnsent(reason: string): void
  /** It has its final response, or will have none: another INVITE may be sent (RFC 3261 14.1). */
  over(): void
}

/** Our re-INVITE (RFC 3261 14.1), sent again with credentials if they are asked for. */
export class Reinvite implements InviteUser {
  /** Its 2xx has been acknowledged when this resolves. */
  readonly response: Promise<FinalResponse>
  readonly #context: AccountContext
  readonly #dialog: Dialog
  readonly #init: ReinviteInit
  readonly #credentials: RequestCredentials
  #first: OutgoingRequest
  readonly #refusals: SessionInterval
  #request: OutgoingRequest
  #pending: PendingRequest<InviteClient, InviteUser>
  #timer: Timer
  #resolve: (response: FinalResponse) => void = () => {}
  /** The wait has ended; the INVITE may still be in progress. */
  #isSettled = false
  #isOver = false
  #cancelSent = false

  constructor(context: AccountContext, dialog: Dialog, init: ReinviteInit) {
    this.#context = context
    this.#dialog = dialog
    this.#init = init
    this.#credentials = new RequestCredentials(context, { inDialog: true })
    this.response = new Promise((resolve) => {
      this.#resolve = resolve
    })
    init.signal?.addEventListener('abort', this)
    this.#refusals = init.session.refusals()
    const lines = [ALLOW, ...init.lines, ...context.userAgentLines]
    this.#first = dialog.request('INVITE', { contact: context.contacts, lines, body: init.body })
    this.#request = this.#first
    this.#timer = this.#limit()
    this.#pending = this.#send()
  }

  provisional(): void {
    if (this.#isSettled) this.#cancel()
  }

  success(response: ParsedResponse): void {
    // Before the ACK, which goes there (12.2.1.2).
    if (!this.#isOver) {
      this.#dialog.refresh(response, this.#context.canReach)
      this.#init.session.heard(response)
    }
    const { cseq, credentials } = this.#request
    const lines = [...credentials, ...this.#context.userAgentLines]
    const ack = new Ack(this.#context, this.#dialog.ack(cseq, { lines }), this.#init.ackUnsent)
    this.#leaveTo(new AckRepeats(ack))
    this.#end(response)
  }

  final(response: ParsedResponse): void {
    this.#leaveTo(new AckRepeats())
    const lines = this.#isSettled ? undefined : this.#linesAgain(response)
    if (!lines) {
      this.#end(response)
      return
    }
    this.#request = this.#first.again(this.#dialog.nextSeq(), lines)
    this.#timer.cancel()
    this.#timer = this.#limit()
    this.#pending = this.#send()
  }

  /** Credentials, or a longer session interval (RFC 4028 7.3). */
  #linesAgain(response: ParsedResponse): string[] | undefined {
    const credentials = this.#credentials.answer(response, this.#request)
    if (credentials) return credentials
    const longer = this.#init.session.longerLines(this.#refusals, response)
    if (!longer) return undefined
    this.#first = this.#first.again(this.#first.cseq, longer)
    return this.#credentials.repeat(this.#first)
  }

  failed(failure: LocalFinalResponse): void {
    this.#end(failure)
  }

  /** The signal: the wait ends at once; the INVITE is cancelled, and its answer acknowledged all the same (9.1, 13.2.2.4). */
  handleEvent(): void {
    const reason = reasonOf(this.#init.signal)
    this.#settle(unavailable(reason))
    if (this.#pending.transaction) this.#cancel()
    else this.#pending.close(reason)
  }

  /** Nothing more can be sent or received. */
  close(reason: string): void {
    if (!this.#isOver) this.#pending.close(reason)
  }

  #send(): PendingRequest<InviteClient, InviteUser> {
    return this.#context.sender.invite(this.#request, this.#context.prefer, this)
  }

  /** Timer B ends with the first provisional response; a peer that stays silent then would block the dialog for ever. */
  #limit(): Timer {
    return this.#context.clock.setTimeout(() => this.#giveUp(), 2 * TRANSACTION_MS)
  }

  #giveUp(): void {
    this.#cancel()
    this.#end(timedOut())
  }

  /** RFC 3261 9.1: not before a provisional response has come. */
  #cancel(): void {
    const { transaction } = this.#pending
    if (this.#cancelSent || transaction?.state !== 'proceeding') return
    this.#cancelSent = true
    this.#context.sender.cancel(transaction, this.#request.cancel(this.#context.userAgentLines))
  }

  #leaveTo(user: InviteUser): void {
    this.#pending.leaveTo(user)
  }

  #end(outcome: Outcome): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#timer.cancel()
    this.#init.over()
    this.#settle(outcome)
  }

  #settle(outcome: Outcome): void {
    if (this.#isSettled) return
    this.#isSettled = true
    this.#init.signal?.removeEventListener('abort', this)
    this.#resolve(toFinalResponse(outcome))
  }
}
