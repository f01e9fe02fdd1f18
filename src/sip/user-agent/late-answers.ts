import { Ack } from '../dialog/ack.js'
import { Dialog } from '../dialog/dialog.js'
import { InviteDialog } from '../dialog/invite-dialog.js'
import type { OutgoingRequest } from '../message/outgoing-request.js'
import type { ParsedResponse } from '../message/parsed-message.js'
import type { InviteUser } from '../transaction/transaction.js'
import type { AccountContext } from './account-context.js'

/**
 * Hears of an INVITE whose outcome is known: repeats of its 2xx get their ACK again, and the 2xx of every other fork gets an ACK and a BYE
 * (RFC 3261 13.2.2.4). It holds no call, because it stays for 32 s.
 */
export class LateAnswers implements InviteUser {
  readonly #context: AccountContext
  readonly #request: OutgoingRequest
  /** By To tag. */
  readonly #acks = new Map<string, Ack>()

  constructor(context: AccountContext, request: OutgoingRequest) {
    this.#context = context
    this.#request = request.withoutBody()
  }

  provisional(): void {}
  final(): void {}
  failed(): void {}

  success(response: ParsedResponse): void {
    const ack = this.#acks.get(response.toTag)
    if (ack) ack.repeat()
    else this.#endFork(response)
  }

  acknowledge(invite: InviteDialog): void {
    const { cseq, credentials } = this.#request
    const lines = [...credentials, ...this.#context.userAgentLines]
    const ack = new Ack(this.#context, invite.dialog.ack(cseq, { lines }), (reason) => invite.ackUnsent(reason))
    this.#acks.set(invite.remoteTag, ack)
    invite.acknowledged()
  }

  #endFork(response: ParsedResponse): void {
    const dialog = Dialog.ofResponse(this.#request, response)
    const invite = new InviteDialog(this.#context, { dialog, madeBy: 'us' })
    invite.confirmBy(response)
    this.acknowledge(invite)
    invite.bye().catch((error) => this.#context.log.debug({ err: error }, 'BYE to another fork'))
  }
}
