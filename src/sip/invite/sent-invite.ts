import type { Timer } from '../../base/clock.js'
import { newToken } from '../../base/ids.js'
import { ALLOW, supportedLines } from '../capabilities.js'
import type { PendingRequest } from '../delivery.js'
import { Dialog } from '../dialog/dialog.js'
import { checkText, dialogHeaderLines } from '../message/header-check.js'
import { OutgoingRequest } from '../message/outgoing-request.js'
import type { ParsedResponse } from '../message/parsed-message.js'
import { ReceivedResponse } from '../message/received.js'
import { carriesSdp } from '../message/session-description.js'
import type { InviteClient } from '../transaction/invite-client.js'
import { type InviteUser, timedOut } from '../transaction/transaction.js'
import type {
  FinalResponse,
  LocalFinalResponse,
  OutgoingInvite,
  OutgoingInviteHandlers,
  OutgoingInviteInit,
  SipBody,
} from '../types.js'
import { escapeDisplayName } from '../uri/name-address.js'
import { type AccountContext, guarded } from '../user-agent/account-context.js'
import { RequestCredentials } from '../user-agent/request-credentials.js'
import { targetUri } from '../user-agent/target-uri.js'
import { EarlyResponse } from './early-response.js'
import { InviteDialog } from './invite-dialog.js'
import { LateResponses, MAX_FORKS } from './late-responses.js'
import { ReliableResponses } from './reliable-responses.js'
import { SessionInterval } from './session-interval.js'

/** RFC 3261 16.6 11, for a UAC: a peer that has said nothing for so long has gone. The ring time of a call is usually shorter. */
const TIMER_C_MS = 181_000
const TERMINATED = { status: 487, reason: 'Request Terminated' } as const

/** An INVITE outside of any dialog, from the first send to `answered` or `failed` (RFC 3261 13.2). */
export class SentInvite implements OutgoingInvite, InviteUser {
  readonly fromTag: string
  readonly #context: AccountContext
  readonly #handlers: OutgoingInviteHandlers
  readonly #credentials: RequestCredentials
  /** Without credentials. */
  #first: OutgoingRequest
  readonly #interval: SessionInterval
  #request: OutgoingRequest
  #pending: PendingRequest<InviteClient, InviteUser>
  #cseq: number
  /** By To tag (12.1.2); each fork of the INVITE has its own. */
  readonly #early = new Map<string, InviteDialog>()
  #reliable: ReliableResponses | undefined
  /** Timer C. */
  #silence: Timer | undefined
  #state: 'open' | 'cancelled' | 'over' = 'open'
  #cancelLines: readonly string[] = []
  #cancelSent = false

  constructor(context: AccountContext, init: OutgoingInviteInit, handlers: OutgoingInviteHandlers) {
    this.#context = context
    this.#handlers = handlers
    this.#credentials = new RequestCredentials(context, { inDialog: false })
    this.fromTag = init.after?.fromTag ?? newToken()
    this.#cseq = (init.after?.cseq ?? 0) + 1
    this.#interval = new SessionInterval(context.init.sessionExpiresSec ?? 0)
    this.#first = inviteOf(context, init, { fromTag: this.fromTag, cseq: this.#cseq, session: this.#interval.lines })
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
    if (this.#state === 'over') return
    if (response.status > 100 || !this.#silence) this.#awaitMore()
    if (response.status === 100) return
    this.#reliable ??= new ReliableResponses()
    const rseq = this.#reliable.take(response)
    if (rseq === 'discard') return
    const dialog = this.#enterEarly(response)
    const early = dialog && new EarlyResponse(dialog, rseq === undefined ? '' : `${rseq} ${response.cseq} INVITE`)
    if (early?.isReliable && carriesSdp(response)) dialog?.describedBy(this.#first.body !== undefined)
    if (this.#state === 'open') {
      this.#guarded('progress', () => this.#handlers.progress(new ReceivedResponse(response), early))
    }
    early?.finish((error) => this.#context.log.debug({ err: error }, 'PRACK'))
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
    const isOffered = !dialog.isAgreed && this.#first.body === undefined && carriesSdp(response)
    const answer = isOffered ? new AckBody() : undefined
    dialog.confirmBy(response)
    this.#guarded('answered', () => this.#handlers.answered(dialog, new ReceivedResponse(response), answer?.put))
    late.acknowledge(dialog, answer?.body)
  }

  final(response: ParsedResponse): void {
    this.#leaveEarly()
    this.#pending.leaveTo(new LateResponses(this.#context, this.#request))
    if (this.#state === 'over') return
    if (this.#state === 'cancelled') {
      this.#fail(new ReceivedResponse(response, TERMINATED))
      return
    }
    const lines = this.#linesAgain(response)
    if (!lines) {
      this.#fail(new ReceivedResponse(response))
      return
    }
    this.#request = this.#first.again(++this.#cseq, lines)
    this.#pending = this.#send()
  }

  /** Credentials, or a longer session interval (RFC 4028 7.3): what the next INVITE has in place of this one's lines. */
  #linesAgain(response: ParsedResponse): string[] | undefined {
    const credentials = this.#credentials.answer(response, this.#request)
    if (credentials) return credentials
    if (!this.#interval.refusedBy(response)) return undefined
    this.#first = this.#first.again(this.#first.cseq, this.#interval.lines)
    return this.#credentials.repeat(this.#first)
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
  #enterEarly(response: ParsedResponse): InviteDialog | undefined {
    const { toTag, status } = response
    if (toTag === '') return undefined
    const known = this.#early.get(toTag)
    if (status === 199) {
      known?.abandon()
      this.#early.delete(toTag)
    } else if (!known && this.#early.size < MAX_FORKS) {
      this.#early.set(toTag, this.#newDialog(response))
    }
    return this.#early.get(toTag)
  }

  /** Timer C runs from the first provisional response on, and begins again with each. */
  #awaitMore(): void {
    this.#silence?.cancel()
    this.#silence = this.#context.clock.setTimeout(() => this.#giveUp(), TIMER_C_MS)
  }

  #giveUp(): void {
    this.cancel()
    this.#leaveToLate()
    this.#fail(timedOut())
  }

  #dialogOf(response: ParsedResponse): InviteDialog {
    const early = this.#early.get(response.toTag)
    // A BYE may have ended the early dialog before.
    return early && !early.isEnded ? early : this.#newDialog(response)
  }

  #newDialog(response: ParsedResponse): InviteDialog {
    const dialog = Dialog.ofResponse(this.#request, response)
    dialog.keepInReach(response.source, this.#context.canReach)
    return new InviteDialog(this.#context, {
      dialog,
      madeBy: 'us',
      firstOffer: this.#first.body ? 'ours' : 'none',
      minSessionSec: this.#interval.minSec,
    })
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
    this.#silence?.cancel()
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

/** Our answer to the offer in a 2xx. */
class AckBody {
  body: SipBody | undefined
  readonly put = (body: SipBody): void => {
    this.body = body
  }
}

function inviteOf(
  context: AccountContext,
  init: OutgoingInviteInit,
  { fromTag, cseq, session }: { fromTag: string; cseq: number; session: readonly string[] },
): OutgoingRequest {
  const { reliableProvisional } = context.init
  const target = targetUri(init.target)
  const to = init.to === undefined ? target : targetUri(init.to)
  const from = init.from === undefined ? context.aor : targetUri(init.from)
  const name = init.fromDisplayName ?? context.init.displayName
  return new OutgoingRequest({
    method: 'INVITE',
    target,
    routeSet: context.routes.to(target),
    from: `${displayed(name)}<${from.text}>`,
    fromTag,
    to: `<${to.text}>`,
    callId: checkText('Call-ID', init.sipCallId),
    cseq,
    contact: context.contacts,
    lines: [
      ALLOW,
      ...supportedLines(reliableProvisional !== 'off'),
      ...(reliableProvisional === 'required' ? ['Require: 100rel'] : []),
      ...session,
      ...dialogHeaderLines(init.headers),
      ...context.userAgentLines,
    ],
    body: init.body,
  })
}

/** A display name in front of an address (RFC 3261 25.1); '' for none. */
export const displayed = (name: string): string =>
  name === '' ? '' : `"${escapeDisplayName(checkText('display name', name))}" `
