/** The signalling of a call in one phase: INVITE sent, INVITE received, dialog. */
import type { Clock } from '../base/clock.js'
import type { Logger } from '../base/logger.js'
import type { Settled } from '../sdp/offer-answer.js'
import type { SipDialog, SipMessage } from '../sip/types.js'
import type { CallEnd } from './call-event.js'
import type { Negotiation } from './negotiation.js'
import type { CallAccount } from './types.js'

export interface Leg {
  /** What it means when somebody here hangs up in this phase. */
  readonly hangup: Pick<CallEnd, 'cause' | 'sipCode'>
  /** Where it means something else that nobody is there any more to decide. */
  readonly abandoned?: Pick<CallEnd, 'cause' | 'sipCode'>
  /** Where it means something else that another telephone took the call. */
  readonly elsewhere?: Pick<CallEnd, 'cause' | 'sipCode'>
  /** Ends the phase as RFC 3261 wants: CANCEL, final response or BYE; nothing where the peer has ended it. Resolves with its final status where there is one. */
  leave(end: CallEnd): Promise<number | null>
}

/** What a leg may do with its call. */
export interface LegHost {
  readonly clock: Clock
  readonly log: Logger
  readonly account: CallAccount
  /** The end has been decided: nothing but the way out is left. */
  readonly ending: boolean
  /** Opens media once; later calls give the same. Rejects NO_PORTS …, and CALL_ENDED where the call ended meanwhile. */
  negotiation(): Promise<Negotiation>
  /** Keeps what the account exposes of this message's headers. */
  noteHeaders(message: SipMessage): void
  /** 180 came, or was sent. */
  ringing(sipCode: number): void
  /** A provisional answer with SDP came. */
  early(settled: Settled, sipCode: number): void
  /** 2xx came or was sent; what was settled. Undefined where our 2xx carried the offer: `settled` follows with the ACK. */
  answered(dialog: SipDialog, settled: Settled | undefined): void
  /** Offer and answer have been exchanged within the dialog. */
  settled(settled: Settled): void
  digit(digit: string, durationMs: number): void
  /** What tells the peer of the end could not be sent, and why: the call does not end normally. */
  unsent(reason: string): void
  /** The first end counts, others are ignored. */
  finish(end: CallEnd): void
}
