import type { CodecName, Direction, Heard, MediaStats, MediaTrouble, PlayEnded } from '../media/protocol.js'
import type { Finding } from '../trace/diagnosis/finding.js'
import type { CallAlert } from './alert.js'
import type { CallIdentity } from './identity.js'
import type { EndReason } from './reason.js'

export type CallDirection = 'inbound' | 'outbound'

/** Phases of a call as people see them. */
export type CallState = 'trying' | 'ringing' | 'early' | 'answered' | 'held' | 'ended'

/** Why and by whom a call ended; exactly one per call. */
export interface CallEnd {
  by: 'local' | 'remote' | 'error'
  /** `transferred`: the peer went on with the target of a transfer. `completed-elsewhere`: another telephone took the call. `abandoned`: no node acted in the answered call. `session-expired`: its session timer was not refreshed (RFC 4028). */
  cause:
    | 'normal'
    | 'busy'
    | 'no-answer'
    | 'rejected'
    | 'cancelled'
    | 'completed-elsewhere'
    | 'failed'
    | 'media-timeout'
    | 'session-expired'
    | 'abandoned'
    | 'interrupted'
    | 'transferred'
  /** Final SIP status that was sent or received (486, 603, 404, 408 …), null after BYE. */
  sipCode: number | null
  reason: string
  /** The Reason headers of the peer's BYE, CANCEL or final response (RFC 3326); absent without one. */
  reasons?: EndReason[]
  /** The addresses of a 3xx that was not followed, in the order in which to try them; absent in all other cases. */
  contacts?: string[]
  /** Why nothing was heard: packets came, or the peer's host name has no address; absent in all other cases. */
  mediaTrouble?: MediaTrouble['reason']
}

/** Direction of a stream from the side that holds the call. */
export type HeldDirection = Exclude<Direction, 'sendrecv'>

/** Plain JSON, usually about 1 kB. Events share it until a fact of the call changes; every message has its own copy as `msg.call`. */
export interface CallSnapshot {
  id: string
  sipCallId: string
  account: { id: string; name: string }
  direction: CallDirection
  state: CallState
  from: { uri: string; user: string; displayName: string }
  to: { uri: string; user: string }
  startedAt: string
  answeredAt: string | null
  endedAt: string | null
  /** Since the answer; 0 before it. */
  durationMs: number
  codec: CodecName | null
  /** Which sides hold the call; `state` is `held` if one of them does. */
  hold: { local: boolean; remote: boolean }
  /** Only the headers that the account exposes. */
  headers: Record<string, string>
  /** What a known peer asserts about the caller, or in an outbound call about the called party; null if it asserts nothing. */
  identity: CallIdentity | null
  /** How a known peer wants an inbound call to ring; null if it does not say. */
  alert: CallAlert | null
  /** The user's own data, at most 4 kB of JSON. */
  tags: Record<string, unknown>
  /** Id of the group whose targets are called, null for a single call. */
  group: string | null
  end: CallEnd | null
  /** Likely causes of a failure, at the end of a call that the trace has seen; absent without one. */
  diagnosis?: Finding[]
}

interface CallEventBase {
  callId: string
  /** ISO 8601. */
  at: string
  /** Counts the events of a call from 1. */
  seq: number
  call: CallSnapshot
  /** Id of the flow node that placed the call, or that took it. */
  owner: string | null
}

export type CallEvent = CallEventBase &
  (
    | { type: 'call.incoming' }
    | { type: 'call.trying' }
    | { type: 'call.ringing'; sipCode: number }
    | { type: 'call.early'; sipCode: number }
    | { type: 'call.answered' }
    | { type: 'call.media' } // the first packet of the peer has come
    | { type: 'call.media-trouble'; trouble: MediaTrouble } // nothing is heard, with the reason; emitted once per reason
    | { type: 'call.digit'; digit: string; durationMs: number }
    /** `direction`: as the holding side puts it. Each side resumes on its own. */
    | { type: 'call.held'; by: 'local' | 'remote'; direction: HeldDirection }
    | { type: 'call.resumed'; by: 'local' | 'remote' }
    /** A new offer and answer have changed the codec of the answered call; both directions use it from now on. */
    | { type: 'call.codec-changed'; codec: CodecName; before: CodecName }
    /** The peer reports on the transfer that we asked for: 100, 180 … */
    | { type: 'call.transfer-progress'; status: number; reason: string }
    /** The peer asks to transfer this call, and the flow decides. `referredBy`: as the peer wrote it. */
    | { type: 'call.transfer-request'; to: { uri: string; user: string }; attended: boolean; referredBy?: string }
    /** The call goes on with the target of the peer's transfer: same id, same media, another dialog. */
    | { type: 'call.transferred'; to: { uri: string; user: string } }
    /** The target of the peer's transfer was not reached. The call goes on, unless its peer has left. */
    | { type: 'call.transfer-failed'; to: { uri: string; user: string }; status: number; reason: string }
    /** Another party has taken the place of the peer (RFC 3891): same id, same media, another dialog. */
    | { type: 'call.replaced'; from: { uri: string; user: string; displayName: string } }
    /** No node has acted in the answered call for `idleSec`; it ends as `abandoned` in `leftSec` unless a node acts. */
    | { type: 'call.idle'; idleSec: number; leftSec: number }
    | { type: 'call.play-ended'; mediaId: string; ended: PlayEnded; playedMs: number }
    | {
        type: 'call.record-ended'
        mediaId: string
        path: string
        durationMs: number
        octets: number
        /** The disk failed or the media worker died: a part of the sound is missing in the file. */
        truncated?: true
        ended: 'finished' | 'stopped' | 'hangup'
      }
    | { type: 'call.ended'; end: CallEnd; stats: MediaStats | null; cdr: CdrRecord }
  )

export type CallEventType = CallEvent['type']

/** One per call. A flat object, so that it can be written as a CSV row. Times are ISO 8601 or null. */
export interface CdrRecord {
  id: string
  sipCallId: string
  accountId: string
  account: string
  direction: CallDirection
  fromUri: string
  fromUser: string
  fromName: string
  toUri: string
  toUser: string
  startedAt: string
  ringingAt: string | null
  answeredAt: string | null
  endedAt: string
  /** From start to end. */
  durationMs: number
  /** From answer to end; 0 if the call was not answered. */
  talkMs: number
  endedBy: CallEnd['by']
  cause: CallEnd['cause']
  sipCode: number | null
  reason: string
  codec: CodecName | null
  /** Digits that the peer pressed, in order. */
  digits: string
  packetsSent: number
  packetsReceived: number
  packetsLost: number
  /** Packets of the peer that came too late, or too many at once, and were not played. */
  discardedPackets: number
  jitterMs: number | null
  rttMs: number | null
  mos: number | null
  /** Summary of the peer's sound in one word; null if it is not known. */
  heard: Heard | null
  /** Packets of the peer that could not be decoded. */
  undecodedPackets: number
  /** Packets from addresses that were not negotiated. */
  strangerPackets: number
  /** The most frequent of these addresses: `192.0.2.5:51234=812;192.0.2.6:4000=3`. */
  strangerSources: string
  /** Paths of recordings, joined by `;`. */
  recordings: string
  /** JSON text of the tags, '' without tags. */
  tags: string
}
