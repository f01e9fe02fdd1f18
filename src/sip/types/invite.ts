import type { SipUri } from '../uri/sip-uri.js'
import type { SipDialog } from './dialog.js'
import type { FinalResponse, HeaderField, SipBody, SipResponse } from './message.js'
import type { IncomingRequest } from './request.js'

export interface OutgoingInviteInit {
  /** Request-URI; To as well, unless that is given. A text is parsed. */
  target: string | SipUri
  /** RFC 3261 8.1.3.4: after a redirection To stays what it was. */
  to?: string | SipUri
  /** The INVITE that was redirected: this one has its From tag, and the next CSeq (8.1.3.4). */
  after?: Pick<OutgoingInvite, 'fromTag' | 'cseq'>
  headers?: readonly HeaderField[]
  body: SipBody
  /** Overrides the account's address in From: another caller id, or an anonymous caller (RFC 3323 4.1.1.3). */
  from?: string | SipUri
  /** Overrides the account's display name. */
  fromDisplayName?: string
  sipCallId: string
}

export interface OutgoingInviteHandlers {
  /** 101-199, once per response; with body where the response had one. */
  progress(response: SipResponse): void
  /** First 2xx; it is acknowledged when this returns. Further 2xx of other forks get ACK and BYE by the SIP layer. */
  answered(dialog: SipDialog, response: SipResponse): void
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
  /** 180 or 183; several may be sent. */
  progress(status: number, init?: { reason?: string; headers?: readonly HeaderField[]; body?: SipBody }): void
  accept(init: { headers?: readonly HeaderField[]; body: SipBody }): SipDialog
  /**
   * Set by the call as soon as it gets the invite. `cancelled`: the CANCEL has been answered and 487 sent; `reasons` are
   * the values of its Reason headers (RFC 3326). From then on (and after `accept` or `reject`) `progress` and `reject` do nothing, and `accept`
   * throws WRONG_STATE.
   */
  handlers: { cancelled?(reasons: readonly string[]): void }
}
