import type { MediaStats } from '../media/protocol.js'
import type { CallEnd, CallSnapshot, CdrRecord } from './call-event.js'

/** What a record contains besides the last snapshot of its call. */
export interface RecordExtras {
  end: CallEnd
  endedAt: string
  ringingAt: string | null
  /** From start to end. */
  durationMs: number
  /** Pressed by the peer. */
  digits: string
  recordings: readonly string[]
  /** Null if the counters are not known: the media failed, or the engine died. */
  stats: MediaStats | null
}

/** The only place that makes a call detail record. `call`: the snapshot of the ended call. */
export function cdrRecord(call: CallSnapshot, extras: RecordExtras): CdrRecord {
  const { end, endedAt, ringingAt, durationMs, digits, recordings, stats } = extras
  return {
    id: call.id,
    sipCallId: call.sipCallId,
    accountId: call.account.id,
    account: call.account.name,
    direction: call.direction,
    fromUri: call.from.uri,
    fromUser: call.from.user,
    fromName: call.from.displayName,
    toUri: call.to.uri,
    toUser: call.to.user,
    startedAt: call.startedAt,
    ringingAt,
    answeredAt: call.answeredAt,
    endedAt,
    durationMs,
    talkMs: call.durationMs,
    endedBy: end.by,
    cause: end.cause,
    sipCode: end.sipCode,
    reason: end.reason,
    codec: call.codec,
    digits,
    packetsSent: stats?.packetsSent ?? 0,
    packetsReceived: stats?.packetsReceived ?? 0,
    packetsLost: stats?.packetsLost ?? 0,
    discardedPackets: stats?.discardedPackets ?? 0,
    jitterMs: stats?.jitterMs ?? null,
    rttMs: stats?.rttMs ?? null,
    mos: stats?.mos ?? null,
    heard: stats?.heard ?? null,
    undecodedPackets: stats?.undecodedPackets ?? 0,
    strangerPackets: stats?.strangerPackets ?? 0,
    strangerSources: (stats?.strangerSources ?? []).map(({ address, packets }) => `${address}=${packets}`).join(';'),
    recordings: recordings.join(';'),
    tags: Object.keys(call.tags).length === 0 ? '' : JSON.stringify(call.tags),
  }
}
