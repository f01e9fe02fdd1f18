import type { RawPeer } from './raw-peer.js'
import { requestText } from './sip-messages.js'
import type { Party } from './sip-parties.js'

let probes = 0

/** Resolves when the party has read all that the peer has sent, and the peer all that the party has sent before it answered. */
export async function settled(peer: RawPeer, party: Party): Promise<void> {
  const callId = `probe-${++probes}@test`
  const via = `SIP/2.0/UDP ${peer.host}:${peer.port};branch=z9hG4bKprobe${probes};rport`
  const { host, port } = party.endpoint.local
  peer.send(requestText({ method: 'OPTIONS', uri: party.address, via, callId }), port, host)
  while (!(await peer.everything.next()).includes(callId));
  peer.responses.drop(({ message }) => message.callId === callId)
}

/** How often the peer has heard a request of this method, or a response whose start begins so, which has all these words. */
export const heard = (peer: RawPeer, start: string, ...words: readonly string[]): number =>
  peer.texts.filter((text) => text.startsWith(start) && words.every((word) => text.includes(word))).length
