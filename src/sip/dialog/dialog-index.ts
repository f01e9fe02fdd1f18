import { TransientMap } from '../../base/transient-map.js'
import type { ParsedRequest } from '../message/parsed-message.js'
import type { ServerRequest } from '../server-request.js'
import { type Dialog, dialogId } from './dialog.js'

/** The usage of a dialog: it gets the requests that come within it. */
export interface DialogUsage {
  readonly dialog: Dialog
  /** Any request but ACK; it has been checked (RFC 3261 8.2, 8.1.1.8), its sequence has not. */
  receive(request: ServerRequest): void
  receiveAck(ack: ParsedRequest): void
  /** The peer has cancelled its INVITE within the dialog. */
  cancelled(): void
  /** The endpoint closes. */
  close(): void
}

/** An INVITE of a peer without a final response. */
export interface UndecidedInvite {
  /** The endpoint closes. */
  close(): void
}

/** Our subscription: gets every NOTIFY to its SUBSCRIBE, by which its dialog begins (RFC 6665 4.4.1). */
export interface NotifyTaker {
  readonly callId: string
  readonly localTag: string
  /** A NOTIFY; it has been checked (RFC 3261 8.2), its sequence has not. */
  receive(request: ServerRequest): void
  /** The endpoint closes. */
  close(): void
}

/** One side of a dialog. */
const sideKey = (callId: string, tag: string): string => `${callId} ${tag}`

/** The dialogs of one endpoint, early and confirmed: one look into a map finds the dialog of a request (RFC 3261 12.2.2). */
export class DialogIndex {
  readonly #usages = new TransientMap<string, DialogUsage>()
  /** Dialogs that peers have made, by the tag of the peer: some peers leave our tag out of their requests. */
  readonly #byPeer = new TransientMap<string, DialogUsage>()
  /** Dialogs in which we have sent a REFER, by our own tag: its NOTIFY may come within another dialog. */
  readonly #referrers = new TransientMap<string, DialogUsage>()
  /** Our INVITEs without a final response. */
  readonly #sentInvites = new TransientMap<string, true>()
  readonly #notifyTakers = new TransientMap<string, NotifyTaker>()
  /** INVITEs of peers without a final response. */
  readonly #receivedInvites = new Set<UndecidedInvite>()

  get size(): number {
    return this.#usages.size
  }

  /** Number of all entries. */
  get kept(): number {
    return (
      this.#usages.size +
      this.#byPeer.size +
      this.#referrers.size +
      this.#sentInvites.size +
      this.#notifyTakers.size +
      this.#receivedInvites.size
    )
  }

  add(usage: DialogUsage, madeByPeer: boolean): void {
    const { id, callId, remoteTag } = usage.dialog
    this.#usages.set(id, usage)
    if (madeByPeer) this.#byPeer.set(sideKey(callId, remoteTag), usage)
  }

  /** Idempotent. */
  remove(usage: DialogUsage): void {
    const { id, callId, localTag, remoteTag } = usage.dialog
    if (this.#usages.get(id) === usage) this.#usages.delete(id)
    const key = sideKey(callId, remoteTag)
    if (this.#byPeer.get(key) === usage) this.#byPeer.delete(key)
    if (this.#referrers.size === 0) return
    const ours = sideKey(callId, localTag)
    if (this.#referrers.get(ours) === usage) this.#referrers.delete(ours)
  }

  /** We send a REFER within this dialog. */
  addReferrer(usage: DialogUsage): void {
    const { callId, localTag } = usage.dialog
    this.#referrers.set(sideKey(callId, localTag), usage)
  }

  /** The dialog of the REFER that a NOTIFY reports on, if the NOTIFY has another peer tag (RFC 3515 2.4.4). */
  findReferrer({ callId, toTag }: ParsedRequest): DialogUsage | undefined {
    return this.#referrers.get(sideKey(callId, toTag))
  }

  /** The dialog of a request with a To tag. A peer that has answered without a tag of its own may still have one in its requests. */
  find({ callId, toTag, fromTag }: ParsedRequest): DialogUsage | undefined {
    const usage = this.#usages.get(dialogId(callId, toTag, fromTag))
    return usage ?? (fromTag === '' ? undefined : this.#usages.get(dialogId(callId, toTag, '')))
  }

  /** The dialog of a request whose peer leaves our tag out. */
  findByPeer({ callId, fromTag }: ParsedRequest): DialogUsage | undefined {
    return this.#byPeer.get(sideKey(callId, fromTag))
  }

  addNotifyTaker(taker: NotifyTaker): void {
    this.#notifyTakers.set(sideKey(taker.callId, taker.localTag), taker)
  }

  removeNotifyTaker({ callId, localTag }: NotifyTaker): void {
    this.#notifyTakers.delete(sideKey(callId, localTag))
  }

  /** The subscription that a NOTIFY belongs to. */
  findNotifyTaker({ callId, toTag }: ParsedRequest): NotifyTaker | undefined {
    return this.#notifyTakers.get(sideKey(callId, toTag))
  }

  addSentInvite(callId: string, fromTag: string): void {
    this.#sentInvites.set(sideKey(callId, fromTag), true)
  }

  removeSentInvite(callId: string, fromTag: string): void {
    this.#sentInvites.delete(sideKey(callId, fromTag))
  }

  /** Whether our INVITE with this Call-ID and From tag has no final response yet. */
  hasSentInvite(callId: string, fromTag: string): boolean {
    return this.#sentInvites.has(sideKey(callId, fromTag))
  }

  /** A peer's INVITE that waits for our final response. */
  addReceivedInvite(invite: UndecidedInvite): void {
    this.#receivedInvites.add(invite)
  }

  removeReceivedInvite(invite: UndecidedInvite): void {
    this.#receivedInvites.delete(invite)
  }

  close(): void {
    for (const invite of [...this.#receivedInvites]) invite.close()
    for (const taker of [...this.#notifyTakers.values()]) taker.close()
    for (const usage of [...this.#usages.values()]) usage.close()
  }
}
