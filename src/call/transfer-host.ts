/** What transfers need of their call. */
import type { Settled } from '../sdp/offer-answer.js'
import type { SipDialog, SipMessage, UserAgent } from '../sip/types.js'
import type { SipUri } from '../sip/uri/sip-uri.js'
import type { CallEvent } from './call-event.js'
import type { LegHost } from './leg.js'
import type { Negotiation } from './negotiation.js'

/** What an account does with a REFER of the peer: declines it, lets the flow decide, or calls the target. */
export type TransferPolicy = 'deny' | 'flow' | 'follow'

/** From where and to whom the INVITE of a transfer goes. */
export interface TransferPlace {
  userAgent: UserAgent
  target: { uri: SipUri; user: string }
  ringTimeoutMs: number
}

/** The accounts' rules for transfers; one object for all calls of an engine. */
export interface TransferRules {
  policyOf(accountId: string): TransferPolicy
  /** The target that a REFER names. Throws BAD_TARGET, TARGET_BLOCKED, CALL_RATE, NO_ACCOUNT if the account may not call it. */
  placeOf(accountId: string, uri: string): TransferPlace
}

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
  /** We made its Call-ID. */
  ownsCallId: boolean
}

export interface TransferHost extends LegHost {
  /** Absent: each REFER is declined. */
  readonly transferRules: TransferRules | undefined
  report(event: TransferEvent): void
  /** An offer and answer of its own with another peer, on the media of the call. */
  successor(): Negotiation
  /** The call goes on with another peer. `part` ends the dialog with the earlier one. */
  replacePeer(next: NextPeer, event: TransferEvent, part: () => Promise<unknown>): void
  /** The peer has left, and the call waits for its next peer: nothing is sent, and silence is no fault. */
  awaitPeer(): void
}
