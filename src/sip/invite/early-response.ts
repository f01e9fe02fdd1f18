import { TelephonyError } from '../../base/errors.js'
import type { EarlyProgress, FinalResponse, SipBody } from '../types.js'
import type { InviteDialog } from './invite-dialog.js'

/** A provisional response with its early dialog. It sends one PRACK, if the response is reliable. */
export class EarlyResponse implements EarlyProgress {
  readonly dialog: InviteDialog
  /** Value of RAck; '' for an unreliable response. */
  readonly #rack: string
  #isAcknowledged = false

  constructor(dialog: InviteDialog, rack: string) {
    this.dialog = dialog
    this.#rack = rack
  }

  get isReliable(): boolean {
    return this.#rack !== ''
  }

  prack(body: SipBody): Promise<FinalResponse> {
    return this.#send(body)
  }

  /** The handler has returned. */
  finish(failed: (error: unknown) => void): void {
    if (this.isReliable && !this.#isAcknowledged) this.#send(undefined).catch(failed)
  }

  async #send(body: SipBody | undefined): Promise<FinalResponse> {
    if (!this.isReliable || this.#isAcknowledged) {
      throw new TelephonyError('WRONG_STATE', 'the response needs no PRACK, or has one')
    }
    const sent = this.dialog.prack(this.#rack, body)
    this.#isAcknowledged = true
    return sent
  }
}
