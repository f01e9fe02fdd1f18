import type { Timer } from '../../base/clock.js'
import { TelephonyError } from '../../base/errors.js'
import { readable } from '../../base/octets.js'
import type { CallPlace } from '../admission/source-limits.js'
import { ALLOW, supportedLines } from '../capabilities.js'
import { Dialog } from '../dialog/dialog.js'
import { checkText, dialogHeaderLines, headerLines } from '../message/header-check.js'
import { ReceivedRequest } from '../message/received.js'
import { carriesSdp } from '../message/session-description.js'
import type { ResponseInit, ServerRequest } from '../server-request.js'
import type { InviteServer } from '../transaction/invite-server.js'
import type { HeaderField, IncomingInvite, SipBody, SipDialog, SipRequest } from '../types.js'
import { type AccountContext, guarded } from '../user-agent/account-context.js'
import { InviteDialog } from './invite-dialog.js'
import { reliabilityOf } from './invite-extensions.js'
import type { EarlyCall } from './offer-requests.js'
import { ReliableProvisionals } from './reliable-provisionals.js'
import type { SessionTerms } from './session-terms.js'

/** RFC 3261 17.2.1: 100 is owed where no other answer comes within 200 ms. */
const TRYING_MS = 100

interface AnswerInit {
  reason?: string
  headers?: readonly HeaderField[]
  body?: SipBody
}

/** Our 2xx. */
interface Success {
  lines: readonly string[]
  body: SipBody
  terms: SessionTerms | undefined
}

/**
 * RFC 3261 13.3: an INVITE that waits for a decision. What comes after the decision (or after a CANCEL) is
 * ignored, but for `accept`, which throws.
 */
export class ReceivedInvite implements IncomingInvite, EarlyCall {
  readonly request: SipRequest
  handlers: IncomingInvite['handlers'] = {}
  readonly #context: AccountContext
  readonly #server: ServerRequest<InviteServer>
  readonly #place: CallPlace
  #trying: Timer | undefined
  readonly #reliability: ReturnType<typeof reliabilityOf>
  readonly #hasOffer: boolean
  #dialog: InviteDialog | undefined
  #provisionals: ReliableProvisionals | undefined
  /** A reliable response with a session description has been sent, or waits to be sent. */
  #described = false
  #decided = false
  /** Our 2xx, which waits for a PRACK (RFC 3262 3). */
  #success: Success | undefined

  constructor(context: AccountContext, server: ServerRequest<InviteServer>, place: CallPlace) {
    this.request = new ReceivedRequest(server.message)
    this.#context = context
    this.#server = server
    this.#place = place
    this.#reliability = reliabilityOf(server.message, context.init)
    this.#hasOffer = carriesSdp(server.message)
    context.dialogs.addReceivedInvite(this)
    if (context.init.handlers.decidesAtOnce?.()) {
      this.#trying = context.clock.setTimeout(() => server.trying(), TRYING_MS)
    } else server.trying()
  }

  progress(status: number, init: AnswerInit = {}): void {
    if (this.#decided) return
    const reason = init.reason === undefined ? undefined : checkText('reason', init.reason)
    const lines = this.#dialogLines(init.headers)
    this.#trying?.cancel()
    const isReliable = this.#reliability === 'all' || (this.isReliable && init.body !== undefined)
    if (isReliable && status > 100) this.#respondReliably(status, { reason, lines, body: init.body })
    else this.#server.respond(status, { reason, lines, body: init.body })
    this.#enterDialog()
  }

  accept(init: { headers?: readonly HeaderField[]; body: SipBody }): SipDialog {
    if (this.#decided) throw new TelephonyError('WRONG_STATE', 'this INVITE has been answered or cancelled')
    const lines = [
      ...this.#dialogLines(init.headers),
      ...supportedLines(this.#context.init.reliableProvisional !== 'off'),
    ]
    const dialog = this.#enterDialog()
    const { lines: session, terms } = dialog.session.answerTo(this.#server.message)
    const success = { lines: [...lines, ...session], body: init.body, terms }
    if (this.#provisionals?.holdsSuccess) this.#success = success
    else this.#succeed(dialog, success)
    this.#decide()
    return dialog
  }

  get isReliable(): boolean {
    return this.#reliability !== 'none'
  }

  get dialog(): SipDialog | undefined {
    return this.#dialog
  }

  get provisionals(): ReliableProvisionals | undefined {
    return this.#provisionals
  }

  acknowledged(answer: { body: SipBody | undefined } | undefined): void {
    if (answer) guarded(this.#context.log, 'answered', () => this.handlers.answered?.(answer.body))
    if (!this.#decided) this.#provisionals?.sendNext()
    else if (this.#success && this.#dialog) this.#succeed(this.#dialog, this.#success)
  }

  /** RFC 3262 3: 5xx */
  unacknowledged(): void {
    if (this.#success) this.#abort(504, 'the peer acknowledged no provisional response')
    if (this.#decided) return
    this.reject(504)
    guarded(this.#context.log, 'unacknowledged', () => this.handlers.unacknowledged?.())
  }

  reject(status: number, init: AnswerInit = {}): void {
    if (this.#decided) return
    const reason = init.reason === undefined ? undefined : checkText('reason', init.reason)
    // A redirection is what its Contact says (RFC 3261 21.3).
    const lines = [...headerLines(init.headers), ...this.#context.userAgentLines]
    this.#decide()
    this.#provisionals?.finish()
    this.#server.respond(status, { reason, lines, body: init.body })
    this.#dialog?.abandon()
    this.#place.ended()
  }

  /** CANCEL, or BYE in the early dialog: 487 (RFC 3261 9.2, 15.1.2). */
  cancelled(reasons: readonly string[]): void {
    if (this.#success) this.#abort(487, 'the caller has cancelled the call')
    if (this.#decided) return
    this.reject(487)
    guarded(this.#context.log, 'cancelled', () => this.handlers.cancelled?.(reasons.map(readable)))
  }

  /** The endpoint closes: no answer can leave any more. */
  close(): void {
    this.#provisionals?.finish()
    if (this.#decided) return
    this.#decide()
    this.#dialog?.abandon()
    this.#place.ended()
    guarded(this.#context.log, 'cancelled', () => this.handlers.cancelled?.([]))
  }

  #respondReliably(status: number, init: ResponseInit): void {
    const dialog = this.#enterDialog()
    this.#provisionals ??= new ReliableProvisionals(this.#context.clock, this.#server, this)
    // The first one is the offer or the answer; a second one would be another offer (RFC 3262 5, RFC 6337 2.2).
    const isFirst = init.body !== undefined && !this.#described
    if (isFirst) this.#described = true
    if (isFirst && !this.#hasOffer) dialog.offered()
    const carries = isFirst ? (this.#hasOffer ? 'answer' : 'offer') : undefined
    this.#provisionals.send({ status, init: isFirst ? init : { ...init, body: undefined }, carries })
  }

  #succeed(dialog: InviteDialog, { lines, body, terms }: Success): void {
    this.#success = undefined
    this.#provisionals?.finish()
    const { transaction, message } = this.#server
    const text = this.#server.respond(200, { lines, body: dialog.isAgreed ? undefined : body })
    dialog.confirmWith({ cseq: message.cseq, transaction, text, hasOffer: !this.#hasOffer && !dialog.isAgreed, terms })
  }

  /** Our 2xx cannot be sent any more. */
  #abort(status: number, reason: string): void {
    this.#success = undefined
    this.#provisionals?.finish()
    this.#server.respond(status, { lines: this.#context.userAgentLines })
    this.#place.ended()
    this.#dialog?.fail(reason)
  }

  #decide(): void {
    this.#decided = true
    this.#context.dialogs.removeReceivedInvite(this)
    this.#trying?.cancel()
  }

  /** Made by the first response with a To tag (12.1.1). */
  #enterDialog(): InviteDialog {
    this.#dialog ??= this.#newDialog()
    return this.#dialog
  }

  #newDialog(): InviteDialog {
    const { message, toTag } = this.#server
    const dialog = Dialog.ofRequest(message, toTag)
    dialog.keepInReach(message.source, this.#context.canReach)
    const early = new InviteDialog(this.#context, {
      dialog,
      madeBy: 'peer',
      firstOffer: this.#hasOffer ? 'theirs' : 'none',
      place: this.#place,
      received: this,
    })
    const { request } = this.handlers
    if (request) early.handlers = { request }
    return early
  }

  #dialogLines(headers: readonly HeaderField[] | undefined): string[] {
    const { contacts, userAgentLines } = this.#context
    return [this.#server.contactLine(contacts), ALLOW, ...dialogHeaderLines(headers), ...userAgentLines]
  }
}
