import type { SipUri } from '../uri/sip-uri.js'
import type { SipDialog } from './dialog.js'
import type { FinalResponse, HeaderField, SipBody, SipResponse } from './message.js'
import type { IncomingRequest, RequestHandler } from './request.js'

export interface OutgoingInviteInit {
  /** Request-URI; To as well, unless that is given. A text is parsed. */
  target: string | SipUri
  /** RFC 3261 8.1.3.4: after a redirection To stays what it was. */
  to?: string | SipUri
  /** The INVITE that was redirected: this one has its From tag, and the next CSeq (8.1.3.4). */
  after?: Pick<OutgoingInvite, 'fromTag' | 'cseq'>
  headers?: readonly HeaderField[]
  /** Our offer. Absent: the peer makes it, in a reliable provisional response or in its 2xx (RFC 3261 13.2.1). */
  body?: SipBody
  /** Overrides the account's address in From: another caller id, or an anonymous caller (RFC 3323 4.1.1.3). */
  from?: string | SipUri
  /** Overrides the account's display name. */
  fromDisplayName?: string
  sipCallId: string
}

/** The early dialog of a provisional response with a To tag; each fork has its own. */
export interface EarlyProgress {
  readonly dialog: SipDialog
  /** Whether the response is reliable, so that its body is an offer or an answer (RFC 3262 5). */
  readonly isReliable: boolean
  /**
   * Sends the PRACK of a reliable response with a body: the answer to the offer in the response, or a new offer, whose answer is in the
   * response to PRACK. If the handler does not call it, an empty PRACK is sent when the handler returns.
   */
  prack(body: SipBody): Promise<FinalResponse>
}

export interface OutgoingInviteHandlers {
  /**
   * 101-199, once per response; with body where the response had one. A reliable one comes once, in its order (RFC 3262 4). `early`: absent if
   * the response has no To tag.
   */
  progress(response: SipResponse, early?: EarlyProgress): void
  /**
   * First 2xx; it is acknowledged when this returns. Further 2xx of other forks get ACK and BYE by the SIP layer. `answer`: the 2xx carries
   * an offer, and this puts our answer into the ACK.
   */
  answered(dialog: SipDialog, response: SipResponse, answer?: (body: SipBody) => void): void
  /** Any final answer but 2xx (after authentication), or none at all. Called once, never after `answered`. */
  failed(response: FinalResponse): void
}

export interface OutgoingInvite {
  readonly fromTag: string
  /** The highest that was sent: each challenge adds one. */
  readonly cseq: number
  /**
   * `reason`: value of a Reason header (RFC 3326), `SIP;cause=200;text="Call completed elsewhere"`. CANCEL as soon as
   * it may be sent (RFC 3261 9.1); `failed` follows with 487, or 408 if the peer stays silent. A 2xx that crosses it
   * gets ACK and BYE, and `failed` 487.
   */
  cancel(reason?: string): void
}

/** An INVITE outside of any dialog that the account's policy let in. 100 Trying has been sent. */
export interface IncomingInvite extends Omit<IncomingRequest, 'accept'> {
  /** The early dialog, after the first `progress` (RFC 3261 12.1.1). */
  readonly dialog: SipDialog | undefined
  /** Whether provisional responses with a body are sent reliably (RFC 3262): then they may carry an offer too. */
  readonly isReliable: boolean
  /** 180 or 183; several may be sent. A reliable one waits until the one before has its PRACK. */
  progress(status: number, init?: { reason?: string; headers?: readonly HeaderField[]; body?: SipBody }): void
  /** The body is not sent if a reliable response and its PRACK have completed offer and answer (RFC 6337 2.2). */
  accept(init: { headers?: readonly HeaderField[]; body: SipBody }): SipDialog
  /**
   * Set by the call as soon as it gets the invite. `cancelled`: the CANCEL has been answered and 487 sent; `reasons` are
   * the values of its Reason headers (RFC 3326). From then on (and after `accept` or `reject`) `progress` and `reject` do nothing, and `accept`
   * throws WRONG_STATE.
   */
  handlers: {
    cancelled?(reasons: readonly string[]): void
    /** The PRACK to our offer in a provisional response, with the peer's answer (RFC 3262 5). */
    answered?(body: SipBody | undefined): void
    /** Offers within the early dialog: UPDATE or PRACK. Without a handler 488. */
    request?: RequestHandler
    /** No PRACK has come for 64*T1; 504 has been sent (RFC 3262 3). */
    unacknowledged?(): void
  }
}
