/** The signalling of a call in one phase: INVITE sent, INVITE received, dialog. */
import type { Clock } from '../base/clock.js'
import type { Logger } from '../base/logger.js'
import type { Settled } from '../sdp/offer-answer.js'
import type { HeaderField, SipDialog, SipMessage } from '../sip/types.js'
import type { CallEnd } from './call-event.js'
import type { Negotiation } from './negotiation.js'
import type { CallAccount } from './types.js'

/** What a user wants to say with the end of a call. */
export interface Farewell {
  /** A text, or a whole value of a Reason header. */
  reason?: string
  headers: readonly HeaderField[]
}

export interface Leg {
  /** The end of the call if our side hangs up in this phase. */
  readonly hangup: Pick<CallEnd, 'cause' | 'sipCode'>
  /** Replaces `hangup` if the flow or account of the call is gone. */
  readonly abandoned?: Pick<CallEnd, 'cause' | 'sipCode'>
  /** Replaces `hangup` if another telephone took the call. */
  readonly elsewhere?: Pick<CallEnd, 'cause' | 'sipCode'>
  /**
   * Ends the phase with CANCEL, final response or BYE; sends nothing if the peer has ended it. Resolves with the final status, if there
   * is one.
   */
  leave(end: CallEnd, farewell?: Farewell): Promise<number | null>
}

/** The part of a call that its legs use. */
export interface LegHost {
  readonly clock: Clock
  readonly log: Logger
  readonly account: CallAccount
  /** True when the end of the call has been decided. */
  readonly ending: boolean
  /** Opens media once. Rejects with NO_PORTS …, and with CALL_ENDED if the call ended meanwhile. */
  negotiation(): Promise<Negotiation>
  /** Notes the headers of this message that the account exposes, and the identity that a known peer asserts in it. */
  noteHeaders(message: SipMessage): void
  /** A 180 was received or sent. */
  ringing(sipCode: number): void
  /** A provisional response with SDP was received or sent. */
  early(settled: Settled, sipCode: number): void
  /** A 2xx was received or sent. `settled` is undefined if our 2xx carried the offer; it then follows with the ACK. */
  answered(dialog: SipDialog, settled: Settled | undefined): void
  /** A new offer and answer were exchanged within the dialog. */
  settled(settled: Settled): void
  digit(digit: string, durationMs: number): void
  /** The request that ends the call could not be sent: the call does not end normally. */
  unsent(reason: string): void
  /** Later ends are ignored. `farewell`: for the message that ends the call. */
  finish(end: CallEnd, farewell?: Farewell): void
}
