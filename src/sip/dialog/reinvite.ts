import type { Timer } from '../../base/clock.js'
import { ALLOW } from '../capabilities.js'
import type { OutgoingRequest } from '../message/outgoing-request.js'
import type { ParsedResponse } from '../message/parsed-message.js'
import type { Sending } from '../sender.js'
import type { InviteClient } from '../transaction/invite-client.js'
import { TRANSACTION_MS } from '../transaction/timers.js'
import { type InviteUser, timedOut, unavailable } from '../transaction/transaction.js'
import type { FinalResponse, SipBody } from '../types.js'
import type { AccountContext } from '../user-agent/account-context.js'
import { CredentialsRound } from '../user-agent/credentials-round.js'
import { isReceived, type Outcome, reasonOf, toFinalResponse } from '../user-agent/exchange.js'
import { Ack } from './ack.js'
import type { Dialog } from './dialog.js'

interface ReinviteInit {
  body: SipBody
  /** Header lines beyond ours. */
  lines: readonly string[]
  /** Aborted: the wait ends at once, for example for a dialog that goes on elsewhere. */
  signal: AbortSignal
  ackUnsent(reason: string): void
}

/**
 * RFC 3261 14.1: our re-INVITE, acknowledged when this resolves; sent again with credentials if they are asked for.
 */
export async function sendReinvite(
  context: AccountContext,
  dialog: Dialog,
  init: ReinviteInit,
): Promise<FinalResponse> {
  const round = new CredentialsRound(context, { inDialog: true })
  const lines = [context.contactLine, ALLOW, ...init.lines, ...context.userAgentLines]
  const first = dialog.request('INVITE', { lines, body: init.body })
  let request = first
  for (;;) {
    const outcome = await new Promise<Outcome>(
      (resolve) => new SentReinvite(context, dialog, { ...init, request, resolve }),
    )
    const credentials = isReceived(outcome) ? round.answer(outcome, request) : undefined
    if (!credentials) return toFinalResponse(outcome)
    request = first.again(dialog.nextSeq(), credentials)
  }
}

interface OneTry extends ReinviteInit {
  request: OutgoingRequest
  resolve: (outcome: Outcome) => void
}

/** One try of a re-INVITE. */
class SentReinvite implements InviteUser {
  readonly #context: AccountContext
  readonly #dialog: Dialog
  readonly #init: OneTry
  readonly #sending: Sending<InviteClient>
  readonly #timer: Timer
  #ack: Ack | undefined
  #isOver = false

  constructor(context: AccountContext, dialog: Dialog, init: OneTry) {
    this.#context = context
    this.#dialog = dialog
    this.#init = init
    init.signal.addEventListener('abort', this)
    // Timer B ends with the first provisional response; a peer that stays silent then would block the dialog for ever.
    this.#timer = context.clock.setTimeout(() => this.#giveUp(), 2 * TRANSACTION_MS)
    this.#sending = context.sender.invite(init.request, context.prefer, this)
    if (init.signal.aborted) this.handleEvent()
  }

  provisional(): void {}

  success(response: ParsedResponse): void {
    if (this.#ack) {
      this.#ack.repeat()
      return
    }
    const { request, ackUnsent } = this.#init
    // Before the ACK, which goes there (12.2.1.2).
    if (!this.#isOver) this.#dialog.refresh(response, this.#context.canReach)
    const lines = [...request.credentials, ...this.#context.userAgentLines]
    this.#ack = new Ack(this.#context, this.#dialog.ack(request.cseq, { lines }), ackUnsent)
    this.#settle(response)
  }

  final(response: ParsedResponse): void {
    this.#settle(response)
  }

  failed(failure: Outcome): void {
    this.#settle(failure)
  }

  /** The signal: the answer is not waited for any more. */
  handleEvent(): void {
    this.#settle(unavailable(reasonOf(this.#init.signal)))
    this.#sending.close('given up')
  }

  #giveUp(): void {
    const { transaction } = this.#sending
    if (transaction) this.#context.sender.cancel(transaction, this.#init.request.cancel([]))
    this.#settle(timedOut())
  }

  #settle(outcome: Outcome): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#timer.cancel()
    this.#init.signal.removeEventListener('abort', this)
    this.#init.resolve(outcome)
  }
}
