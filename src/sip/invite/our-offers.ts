import type { Dialog } from '../dialog/dialog.js'
import type { FinalResponse, SipBody } from '../types.js'
import type { AccountContext } from '../user-agent/account-context.js'
import { Reinvite } from './reinvite.js'
import type { Session } from './session.js'

interface OurReinvite {
  body: SipBody
  /** Header lines beyond ours. */
  lines: readonly string[]
  session: Session
  signal?: AbortSignal | undefined
  ackUnsent(reason: string): void
}

/** Our offers in one dialog, in re-INVITE and UPDATE: one at a time (RFC 3261 14.1, RFC 3311 5.1). */
export class OurOffers {
  #reinvite: Reinvite | undefined
  #isTracking = false

  /** Our offer has no answer yet. */
  get isOpen(): boolean {
    return this.#reinvite !== undefined || this.#isTracking
  }

  reinvite(context: AccountContext, dialog: Dialog, init: OurReinvite): Promise<FinalResponse> {
    const over = (): void => {
      this.#reinvite = undefined
    }
    this.#reinvite = new Reinvite(context, dialog, { ...init, over })
    return this.#reinvite.response
  }

  /** The response to our UPDATE or PRACK with an offer. */
  async track(response: Promise<FinalResponse>): Promise<FinalResponse> {
    this.#isTracking = true
    try {
      return await response
    } finally {
      this.#isTracking = false
    }
  }

  /** Nothing more can be sent or received. */
  close(reason: string): void {
    this.#reinvite?.close(reason)
  }
}
