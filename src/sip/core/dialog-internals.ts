import {
  Dialog,
  type DialogState,
  type IncomingRequestMessage,
  type IncomingResponseMessage,
  NameAddrHeader,
  type SessionDialog,
  type UserAgentCore,
} from 'sip.js/lib/core/index.js'

/** Members that sip.js declares protected; named once, here. */
interface Internals {
  core: UserAgentCore
  ackWait: boolean
  dialogState: DialogState
  sequenceGuard(message: IncomingRequestMessage): boolean
}

const internals = (dialog: Dialog): Internals => dialog as unknown as Internals

/** RFC 3261 12.2.1.2: the Contact of a 2xx to a target refresh request is the new remote target, which core forgets. */
export function refreshRemoteTarget(dialog: Dialog, message: IncomingRequestMessage | IncomingResponseMessage): void {
  const contact: unknown = message.parseHeader('contact')
  if (contact instanceof NameAddrHeader) internals(dialog).dialogState.remoteTarget = contact.uri
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

/** Requests leave by another core from now on, and find the dialog there. No transaction of the old one matters any more. */
export function moveToCore(session: SessionDialog, core: UserAgentCore): void {
  const { core: left } = internals(session)
  left.dialogs.delete(session.id)
  internals(session).core = core
  core.dialogs.set(session.id, session)
  internals(session).ackWait = false
  session.reinviteUserAgentServer = undefined
}
