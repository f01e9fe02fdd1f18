import { newToken } from '../../base/ids.js'
import { ALLOW } from '../capabilities.js'
import type { PendingRequest } from '../delivery.js'
import { Dialog } from '../dialog/dialog.js'
import { checkText, dialogHeaderLines } from '../message/header-check.js'
import { OutgoingRequest } from '../message/outgoing-request.js'
import type { ParsedResponse } from '../message/parsed-message.js'
import { ReceivedResponse } from '../message/received.js'
import type { InviteClient } from '../transaction/invite-client.js'
import type { InviteUser } from '../transaction/transaction.js'
import type {
  FinalResponse,
  LocalFinalResponse,
  OutgoingInvite,
  OutgoingInviteHandlers,
  OutgoingInviteInit,
} from '../types.js'
import { escapeDisplayName } from '../uri/name-address.js'
import { type AccountContext, guarded } from '../user-agent/account-context.js'
import { RequestCredentials } from '../user-agent/request-credentials.js'
import { targetUri } from '../user-agent/target-uri.js'
import { InviteDialog } from './invite-dialog.js'
import { LateResponses, MAX_FORKS } from './late-responses.js'

const TERMINATED = { status: 487, reason: 'Request Terminated' } as const

/** An INVITE outside of any dialog, from the first send to `answered` or `failed` (RFC 3261 13.2). */
export class SentInvite implements OutgoingInvite, InviteUser {
  readonly fromTag: string
  readonly #context: AccountContext
  readonly #handlers: OutgoingInviteHandlers
  readonly #credentials: RequestCredentials
  readonly #first: OutgoingRequest
  #request: OutgoingRequest
  #pending: PendingRequest<InviteClient, InviteUser>
  #cseq: number
  /** By To tag (12.1.2); each fork of the INVITE has its own. */
  readonly #early = new Map<string, InviteDialog>()
  #state: 'open' | 'cancelled' | 'over' = 'open'
  #cancelLines: readonly string[] = []
  #cancelSent = false

  constructor(context: AccountContext, init: OutgoingInviteInit, handlers: OutgoingInviteHandlers) {
    this.#context = context
    this.#handlers = handlers
    this.#credentials = new RequestCredentials(context, { inDialog: false })
    this.fromTag = init.after?.fromTag ?? newToken()
    this.#cseq = (init.after?.cseq ?? 0) + 1
    this.#first = inviteOf(context, init, { fromTag: this.fromTag, cseq: this.#cseq })
    const ahead = this.#credentials.ahead(this.#first)
    this.#request = ahead.length > 0 ? this.#first.again(this.#cseq, ahead) : this.#first
    context.dialogs.addSentInvite(this.#first.callId, this.fromTag)
    this.#pending = this.#send()
  }

  get cseq(): number {
    return this.#cseq
  }

  cancel(reason?: string): void {
    if (this.#state !== 'open') return
    const lines = reason === undefined ? [] : [`Reason: ${checkText('reason', reason)}`]
    this.#state = 'cancelled'
    this.#cancelLines = [...lines, ...this.#context.userAgentLines]
    this.#pending.stay()
    if (this.#pending.transaction) this.#sendCancel()
    else this.#pending.close('cancelled')
  }

  provisional(response: ParsedResponse): void {
    if (this.#state === 'cancelled') this.#sendCancel()
    if (response.status === 100 || this.#state === 'over') return
    this.#enterEarly(response)
    if (this.#state === 'open') this.#guarded('progress', () => this.#handlers.progress(new ReceivedResponse(response)))
  }

  success(response: ParsedResponse): void {
    if (this.#state === 'over') return
    this.#credentials.accepted(this.#request)
    const late = this.#leaveToLate()
    if (this.#state === 'cancelled') {
      // RFC 3261 13.2.2.4: a 2xx that crossed our CANCEL is acknowledged and ended.
      late.success(response)
      this.#fail(new ReceivedResponse(response, TERMINATED))
      return
    }
    const dialog = this.#dialogOf(response)
    this.#early.delete(response.toTag)
    late.take(this.#early)
    this.#end()
    this.#guarded('answered', () => this.#handlers.answered(dialog, new ReceivedResponse(response)))
    late.acknowledge(dialog)
  }

  final(response: ParsedResponse): void {
    this.#leaveEarly()
    this.#pending.leaveTo(new LateResponses(this.#context, this.#request))
    if (this.#state === 'over') return
    if (this.#state === 'cancelled') {
      this.#fail(new ReceivedResponse(response, TERMINATED))
      return
    }
    const credentials = this.#credentials.answer(response, this.#request)
    if (!credentials) {
      this.#fail(new ReceivedResponse(response))
      return
    }
    this.#request = this.#first.again(++this.#cseq, credentials)
    this.#pending = this.#send()
  }

  failed(failure: LocalFinalResponse): void {
    this.#leaveToLate()
    const hasNotLeft = this.#state === 'cancelled' && failure.unsent
    this.#fail(hasNotLeft ? { ...TERMINATED, local: true, unsent: true } : failure)
  }

  #send(): PendingRequest<InviteClient, InviteUser> {
    return this.#context.sender.invite(this.#request, this.#context.prefer, this)
  }

  /** RFC 3261 9.1: not before a provisional response has come: before that there is nothing to cancel. */
  #sendCancel(): void {
    const { transaction } = this.#pending
    if (this.#cancelSent || transaction?.state !== 'proceeding') return
    this.#cancelSent = true
    this.#context.sender.cancel(transaction, this.#request.cancel(this.#cancelLines))
  }

  /** 12.1.2; a peer without a To tag makes no early dialog. 199: this one has ended (RFC 6228 6). */
  #enterEarly(response: ParsedResponse): void {
    const { toTag, status } = response
    if (toTag === '') return
    const known = this.#early.get(toTag)
    if (status === 199) {
      known?.abandon()
      this.#early.delete(toTag)
    } else if (!known && this.#early.size < MAX_FORKS) {
      this.#early.set(toTag, this.#newDialog(response))
    }
  }

  #dialogOf(response: ParsedResponse): InviteDialog {
    const early = this.#early.get(response.toTag)
    // A BYE may have ended the early dialog before.
    const dialog = early && !early.isEnded ? early : this.#newDialog(response)
    dialog.confirmBy(response)
    return dialog
  }

  #newDialog(response: ParsedResponse): InviteDialog {
    const dialog = Dialog.ofResponse(this.#request, response)
    dialog.keepInReach(response.source, this.#context.canReach)
    return new InviteDialog(this.#context, { dialog, madeBy: 'us', firstOffer: 'ours' })
  }

  /** What comes for the transaction from now on needs neither the call nor this. */
  #leaveToLate(): LateResponses {
    const late = new LateResponses(this.#context, this.#request)
    this.#pending.leaveTo(late)
    return late
  }

  #fail(response: FinalResponse): void {
    if (this.#state === 'over') return
    this.#end()
    this.#guarded('failed', () => this.#handlers.failed(response))
  }

  #end(): void {
    this.#state = 'over'
    this.#leaveEarly()
    this.#context.dialogs.removeSentInvite(this.#first.callId, this.fromTag)
  }

  /** A confirmed dialog goes on. */
  #leaveEarly(): void {
    for (const dialog of this.#early.values()) dialog.abandon()
    this.#early.clear()
  }

  #guarded(what: string, run: () => void): void {
    guarded(this.#context.log, what, run)
  }
}

function inviteOf(
  context: AccountContext,
  init: OutgoingInviteInit,
  { fromTag, cseq }: { fromTag: string; cseq: number },
): OutgoingRequest {
  const target = targetUri(init.target)
  const to = init.to === undefined ? target : targetUri(init.to)
  const from = init.from === undefined ? context.aor : targetUri(init.from)
  const name = init.fromDisplayName ?? context.init.displayName
  return new OutgoingRequest({
    method: 'INVITE',
    target,
    routeSet: context.routeSetTo(target),
    from: `${displayed(name)}<${from.text}>`,
    fromTag,
    to: `<${to.text}>`,
    callId: checkText('Call-ID', init.sipCallId),
    cseq,
    contact: context.contacts,
    lines: [ALLOW, ...dialogHeaderLines(init.headers), ...context.userAgentLines],
    body: init.body,
  })
}

/** A display name in front of an address (RFC 3261 25.1); '' for none. */
export const displayed = (name: string): string =>
  name === '' ? '' : `"${escapeDisplayName(checkText('display name', name))}" `
