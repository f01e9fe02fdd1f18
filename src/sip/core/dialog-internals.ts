import {
  Dialog,
  type DialogState,
  type IncomingRequestMessage,
  type SessionDialog,
  SignalingState,
  type UserAgentCore,
} from 'sip.js/lib/core/index.js'
import type { ParsedMessage } from '../message/parsed-message.js'
import { remoteTarget } from '../request-checks.js'
import { uriAt } from '../transport/reach.js'
import type { SipAddress } from '../types.js'
import { parseNameAddr } from '../uri/name-addr.js'
import type { SipUri } from '../uri/sip-uri.js'

export type CanReach = (uri: SipUri) => boolean

/** Members that sip.js declares protected; named once, here. */
interface Internals {
  core: UserAgentCore
  ackWait: boolean
  dialogState: DialogState
  sequenceGuard(message: IncomingRequestMessage): boolean
}

const internals = (dialog: Dialog): Internals => dialog as unknown as Internals

/**
 * RFC 3261 12.2.1.2, 12.2.2: the Contact of a target refresh request, or of the 2xx to one, is the new remote target. Core does so for
 * re-INVITEs that it receives, and for nothing else.
 */
export function refreshRemoteTarget(dialog: Dialog, message: ParsedMessage, canReach: CanReach): void {
  const target = remoteTarget(message)
  if (target) internals(dialog).dialogState.remoteTarget = target
  keepInReach(dialog, message.source, canReach)
}

/**
 * Requests leave for the first route, or for the remote target where there is none. If neither our transports nor our address family
 * lead there, they leave for where the peer's message came from: from there it can be answered.
 */
export function keepInReach(dialog: Dialog, source: SipAddress, canReach: CanReach): void {
  const state = internals(dialog).dialogState
  const [firstRoute, ...others] = state.routeSet
  if (firstRoute === undefined) {
    const target = state.remoteTarget as SipUri // our parser made it
    if (!canReach(target)) state.remoteTarget = uriAt(source, target)
    return
  }
  const via = parseNameAddr(firstRoute)?.sipUri
  if (!via || !canReach(via)) state.routeSet = [`<${uriAt(source, via).text}>`, ...others]
}

/**
 * RFC 3261 12.2.2: false where the CSeq is not higher than the last; 500 has been answered then. For methods that core
 * does not handle itself.
 */
export function acceptSequence(dialog: Dialog, message: IncomingRequestMessage): boolean {
  if (!internals(dialog).sequenceGuard(message)) return false
  Dialog.prototype.receiveRequest.call(dialog, message)
  return true
}

/** An ACK to our 2xx, to the INVITE or to a re-INVITE. */
export function receiveAck(dialog: Dialog, message: IncomingRequestMessage): void {
  const { reinviteUserAgentServer: reinvite, signalingState } = dialog as SessionDialog
  // Whoever acknowledges a re-INVITE has our answer to the INVITE as well; the ACK to that one comes later, or is lost.
  const isLater = reinvite?.message.cseq === message.cseq && signalingState === SignalingState.Stable
  if (isLater) internals(dialog).ackWait = false
  dialog.receiveRequest(message)
}

/** Requests leave by another core from now on, and find the dialog there. No transaction of the old one matters any more. */
export function moveToCore(session: SessionDialog, core: UserAgentCore): void {
  const { core: left } = internals(session)
  left.dialogs.delete(session.id)
  internals(session).core = core
  core.dialogs.set(session.id, session)
  internals(session).ackWait = false
  session.reinviteUserAgentServer = undefined
}
