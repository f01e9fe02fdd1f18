import { Dialog } from '../dialog/dialog.js'
import type { OutgoingRequest, RequestOrigin } from '../message/outgoing-request.js'
import type { ParsedResponse } from '../message/parsed-message.js'
import { TRANSACTION_MS } from '../transaction/timers.js'
import type { InviteUser } from '../transaction/transaction.js'
import type { SipBody } from '../types.js'
import type { AccountContext } from '../user-agent/account-context.js'
import { Ack } from './ack.js'
import { InviteDialog } from './invite-dialog.js'

/** More forks than a proxy makes. A peer could make up any number of them, each with the address of another host in its Contact. */
export const MAX_FORKS = 64

/**
 * The transaction user of an INVITE whose outcome is known: repeats of its 2xx get their ACK again, and the 2xx of every other fork gets
 * ACK and BYE (RFC 3261 13.2.2.4). It holds no call, because it stays for 32 s.
 */
export class LateResponses implements InviteUser {
  readonly #context: AccountContext
  readonly #request: RequestOrigin
  #early: Map<string, InviteDialog> | undefined
  /** By To tag. */
  readonly #acks = new Map<string, Ack>()

  constructor(context: AccountContext, request: OutgoingRequest) {
    this.#context = context
    this.#request = request.origin
  }

  provisional(): void {}
  final(): void {}
  failed(): void {}

  success(response: ParsedResponse): void {
    const ack = this.#acks.get(response.toTag)
    if (ack) ack.repeat()
    else if (this.#acks.size < MAX_FORKS) this.#endFork(response)
  }

  /** `answer`: to the offer in the 2xx. */
  acknowledge(invite: InviteDialog, answer?: SipBody): void {
    const { cseq, credentials } = this.#request
    const lines = [...credentials, ...this.#context.userAgentLines]
    const ack = new Ack(this.#context, invite.dialog.ack(cseq, { lines, body: answer }), (reason) =>
      invite.ackUnsent(reason),
    )
    this.#acks.set(invite.remoteTag, ack)
    invite.acknowledged()
  }

  /** Early dialogs of other forks end 64*T1 after the first 2xx (13.2.2.4). */
  take(early: Map<string, InviteDialog>): void {
    if (early.size === 0) return
    this.#early = new Map(early)
    early.clear()
    this.#context.clock.setTimeout(() => {
      for (const dialog of this.#early?.values() ?? []) dialog.abandon()
      this.#early = undefined
    }, TRANSACTION_MS)
  }

  #endFork(response: ParsedResponse): void {
    const invite = this.#early?.get(response.toTag) ?? this.#newDialog(response)
    invite.confirmBy(response)
    this.acknowledge(invite)
    invite.bye().catch((error) => this.#context.log.debug({ err: error }, 'BYE to another fork'))
  }

  #newDialog(response: ParsedResponse): InviteDialog {
    return new InviteDialog(this.#context, {
      dialog: Dialog.ofResponse(this.#request, response),
      madeBy: 'us',
      firstOffer: 'ours',
    })
  }
}
