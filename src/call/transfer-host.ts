/** What transfers need of their call. */
import type { Settled } from '../sdp/offer-answer.js'
import type { SipDialog, SipMessage } from '../sip/types.js'
import type { CallEvent } from './call-event.js'
import type { LegHost } from './leg.js'
import type { Negotiation } from './negotiation.js'
import type { TransferRules } from './transfer-rules.js'

type Common = 'callId' | 'at' | 'seq' | 'call' | 'owner'
type Fields<E> = E extends CallEvent ? Omit<E, Common> : never
export type TransferEvent = Fields<
  Extract<
    CallEvent,
    {
      type:
        | 'call.transfer-progress'
        | 'call.transfer-request'
        | 'call.transfer-failed'
        | 'call.transferred'
        | 'call.replaced'
    }
  >
>

/** The dialog that takes the place of the call's dialog. */
export interface NextPeer {
  dialog: SipDialog
  /** From `successor`. */
  negotiation: Negotiation
  /** Undefined if our 2xx carried the offer; it then follows with the ACK. */
  settled: Settled | undefined
  /** The message that made the dialog. */
  message: SipMessage
}

export interface TransferHost extends LegHost {
  /** Absent: each REFER is declined. */
  readonly transferRules: TransferRules | undefined
  report(event: TransferEvent): void
  /** An offer and answer of its own with another peer, on the media of the call. */
  successor(): Negotiation
  /** The call goes on with another peer. `part` ends the dialog with the earlier one. */
  replacePeer(next: NextPeer, event: TransferEvent, part: () => Promise<unknown>): void
  /** The peer has left, and the call waits for its next peer: nothing is sent, and silence does not end the call. */
  awaitPeer(): void
}
