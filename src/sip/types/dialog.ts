import type { FinalResponse, HeaderField, SipBody, SipRequest } from './message.js'
import type { RequestHandler } from './request.js'

export interface InDialogInit {
  headers?: readonly HeaderField[]
  body?: SipBody
  /** Aborted: the wait ends at once with a local 503. */
  signal?: AbortSignal
}

export interface SipDialogHandlers {
  /** The peer's BYE; 200 has been sent. */
  bye?(request: SipRequest): void
  /** The ACK to our 2xx has come (RFC 3261 13.3.1.4), with its body for offers in 2xx. */
  acknowledged?(body: SipBody | undefined): void
  /** No ACK for 64*T1: the call has to end by BYE. */
  ackTimeout?(): void
  /**
   * re-INVITE (without a body: the answer carries our offer), UPDATE with an offer, INFO, REFER, NOTIFY. Without a handler offers are
   * refused with 488, REFER with 603, NOTIFY with 481, and INFO is answered with 200. An UPDATE without an offer refreshes the target and is answered here.
   */
  request?: RequestHandler
  /**
   * A session refresh is due, and the peer does not allow UPDATE: sends a re-INVITE with our offer. Resolves with true if the peer accepted it
   * (RFC 4028 7.4).
   */
  refresh?(): Promise<boolean>
  /** No refresh of the session came or succeeded for so long; a BYE is being sent (RFC 4028 10). */
  expired?(intervalSec: number): void
  /**
   * 408 or 481 to our request within the dialog: the dialog is gone (RFC 3261 12.2.1.2). 503: our ACK could not be sent, without which the
   * peer will not keep the call. A BYE has been sent.
   */
  lost?(response: FinalResponse): void
}

export interface SipDialog {
  readonly sipCallId: string
  readonly localTag: string
  /** '' where the peer has none (RFC 3261 12.1.1, 12.1.2). */
  readonly remoteTag: string
  /** The peer's address as From or To has it, without its tag. */
  readonly remoteUri: string
  handlers: SipDialogHandlers
  /** Whether the peer has named this method in its Allow (RFC 3261 20.5); false before it has sent one. */
  allows(method: string): boolean
  /** Any request within the dialog but INVITE, UPDATE, PRACK and BYE; resolves with its final answer, authenticated where asked. */
  request(method: string, init?: InDialogInit): Promise<FinalResponse>
  /**
   * re-INVITE; resolves with its final answer, the ACK has been sent. A refused one is the caller's to retry after `retryMs`. Rejects with
   * WRONG_STATE while another offer is in progress.
   */
  reinvite(body: SipBody, init?: { headers?: readonly HeaderField[]; signal?: AbortSignal }): Promise<FinalResponse>
  /**
   * UPDATE (RFC 3311), for peers that allow it: an offer, or without a body a refresh. Possible in an early dialog too; an offer then only
   * after the first offer has its answer by a reliable response (RFC 3311 5.1). Rejects with WRONG_STATE while another offer is in progress.
   */
  update(body?: SipBody, init?: Omit<InDialogInit, 'body'>): Promise<FinalResponse>
  /**
   * The wait before an offer may be made again that was refused with this response, or (without one) that rejected with WRONG_STATE: after
   * glare it is random (RFC 3261 14.1). Undefined: the refusal holds.
   */
  retryMs(response?: FinalResponse): number | undefined
  /**
   * Waits for the ACK to our 2xx first where that is still outstanding (RFC 3261 15). Idempotent; resolves when
   * answered or timed out.
   */
  bye(init?: { headers?: readonly HeaderField[] }): Promise<FinalResponse>
}
