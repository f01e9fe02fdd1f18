import type { Timer } from '../../base/clock.js'
import { TelephonyError } from '../../base/errors.js'
import { readable } from '../../base/octets.js'
import type { CallPlace } from '../admission/source-limits.js'
import { ALLOW, SUPPORTED } from '../capabilities.js'
import { Dialog } from '../dialog/dialog.js'
import { checkText, dialogHeaderLines, headerLines } from '../message/header-check.js'
import { ReceivedRequest } from '../message/received.js'
import type { ServerRequest } from '../server-request.js'
import type { InviteServer } from '../transaction/invite-server.js'
import type { HeaderField, IncomingInvite, SipBody, SipDialog, SipRequest } from '../types.js'
import { type AccountContext, guarded } from '../user-agent/account-context.js'
import { InviteDialog } from './invite-dialog.js'

/** RFC 3261 17.2.1: 100 is owed where no other answer comes within 200 ms. */
const TRYING_MS = 100

interface AnswerInit {
  reason?: string
  headers?: readonly HeaderField[]
  body?: SipBody
}

/**
 * RFC 3261 13.3: an INVITE that waits for a decision. What comes after the decision (or after a CANCEL) is
 * ignored, but for `accept`, which throws.
 */
export class ReceivedInvite implements IncomingInvite {
  readonly request: SipRequest
  handlers: IncomingInvite['handlers'] = {}
  readonly #context: AccountContext
  readonly #server: ServerRequest<InviteServer>
  readonly #place: CallPlace
  #trying: Timer | undefined
  #dialog: InviteDialog | undefined
  #decided = false

  constructor(context: AccountContext, server: ServerRequest<InviteServer>, place: CallPlace) {
    this.request = new ReceivedRequest(server.message)
    this.#context = context
    this.#server = server
    this.#place = place
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
    this.#server.respond(status, { reason, lines, body: init.body })
    this.#enterDialog()
  }

  accept(init: { headers?: readonly HeaderField[]; body: SipBody }): SipDialog {
    if (this.#decided) throw new TelephonyError('WRONG_STATE', 'this INVITE has been answered or cancelled')
    const lines = [...this.#dialogLines(init.headers), ...SUPPORTED]
    const text = this.#server.respond(200, { lines, body: init.body })
    this.#decide()
    const { transaction, message } = this.#server
    const dialog = this.#enterDialog()
    dialog.confirmWith({ cseq: message.cseq, transaction, text, hasOffer: message.body === '' })
    return dialog
  }

  reject(status: number, init: AnswerInit = {}): void {
    if (this.#decided) return
    const reason = init.reason === undefined ? undefined : checkText('reason', init.reason)
    // A redirection is what its Contact says (RFC 3261 21.3).
    const lines = [...headerLines(init.headers), ...this.#context.userAgentLines]
    this.#decide()
    this.#server.respond(status, { reason, lines, body: init.body })
    this.#dialog?.abandon()
    this.#place.ended()
  }

  /** CANCEL, or BYE in the early dialog: 487 (RFC 3261 9.2, 15.1.2). */
  cancelled(reasons: readonly string[]): void {
    if (this.#decided) return
    this.reject(487)
    guarded(this.#context.log, 'cancelled', () => this.handlers.cancelled?.(reasons.map(readable)))
  }

  /** The endpoint closes: no answer can leave any more. */
  close(): void {
    if (this.#decided) return
    this.#decide()
    this.#dialog?.abandon()
    this.#place.ended()
    guarded(this.#context.log, 'cancelled', () => this.handlers.cancelled?.([]))
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
    return new InviteDialog(this.#context, {
      dialog,
      madeBy: 'peer',
      firstOffer: message.body === '' ? 'none' : 'theirs',
      place: this.#place,
      earlyBye: (reasons) => this.cancelled(reasons),
    })
  }

  #dialogLines(headers: readonly HeaderField[] | undefined): string[] {
    const { contacts, userAgentLines } = this.#context
    return [this.#server.contactLine(contacts), ALLOW, ...dialogHeaderLines(headers), ...userAgentLines]
  }
}
