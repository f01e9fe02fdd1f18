/** Why the peer of a call was not heard. */
import type { MediaStats, MediaTrouble } from '../media/protocol.js'
import type { CallEnd } from './call-event.js'

/** The peer's SDP names a host (RFC 8866 5.7) that has no address. */
export const noAddress = (name: string): MediaTrouble => ({
  reason: 'no-address',
  text: `no address was found for the host name “${name}” in the SDP of the peer`,
  undecoded: [],
  strangerSources: [],
})

/** For the end of a call: the reason, if nothing was heard. `unknownHost`: the peer's host name, if it has no address. */
export function troubleAtEnd(
  end: CallEnd,
  stats: MediaStats | null,
  unknownHost: string | undefined,
): Partial<CallEnd> {
  const heard = stats?.heard
  if (heard === 'undecodable' || heard === 'other-source') return { mediaTrouble: heard }
  const noPacket = heard === 'nothing' || heard === 'not-owed'
  if (unknownHost === undefined || !noPacket) return {}
  const { reason, text } = noAddress(unknownHost)
  // The reason of a normal end says little, and the record of a call has no other place for the name.
  return { mediaTrouble: reason, ...(end.cause === 'normal' ? { reason: text } : {}) }
}
