/** RFC 3891 3: an INVITE with Replaces takes the place of the peer of a call. */
import type { IncomingInvite } from '../sip/types.js'
import type { CallCore } from './call-core.js'
import { DialogLeg } from './dialog-leg.js'
import { statusOfSdpError, warningsOf } from './negotiation.js'

/** Answers the INVITE in every case. The call keeps its id, its owner, its media and its actions; the dialog with the earlier peer ends. */
export function takePlace(core: CallCore, invite: IncomingInvite): void {
  const { leg } = core
  if (core.ending) {
    invite.reject(603) // RFC 3891 3: the dialog has ended
    return
  }
  if (!(leg instanceof DialogLeg)) {
    invite.reject(481)
    return
  }
  const { body: offer, from } = invite.request
  const negotiation = core.successor()
  let made: ReturnType<typeof negotiation.answer> | undefined
  try {
    made = offer ? negotiation.answer(offer) : undefined
  } catch (error) {
    invite.reject(statusOfSdpError(error), { headers: warningsOf(error) })
    return
  }
  // RFC 3261 13.2.1: an INVITE without an offer gets ours in the 2xx.
  const dialog = invite.accept({ body: made?.body ?? negotiation.offer() })
  const { uri, user, displayName } = from
  const party = { uri: uri.slice(0, 256), user: user.slice(0, 256), displayName: displayName.slice(0, 256) }
  core.replacePeer(
    { dialog, negotiation, settled: made?.settled, message: invite.request },
    { type: 'call.replaced', from: party },
    () => leg.part(),
  )
}
