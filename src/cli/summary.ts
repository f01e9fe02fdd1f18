import type { EngineEvents } from '../engine/protocol.js'
import type { Outcome } from './outcome.js'

type Ended = Extract<EngineEvents['call'], { type: 'call.ended' }>
type Stats = NonNullable<Ended['stats']>

/** An answer that is followed by BYE at once leaves the peer no time for sound. */
const SOUND_DUE_MS = 500

/** For programs. */
export function summaryOf({ callId, call, cdr, end, stats }: Ended, { ok, problem }: Outcome): Record<string, unknown> {
  return {
    ok,
    problem,
    callId,
    cause: end.cause,
    by: end.by,
    sipCode: end.sipCode,
    reason: end.reason,
    answered: call.answeredAt !== null,
    talkMs: cdr.talkMs,
    codec: call.codec,
    digits: cdr.digits,
    packetsSent: stats?.packetsSent ?? 0,
    packetsReceived: stats?.packetsReceived ?? 0,
    packetsLost: stats?.packetsLost ?? 0,
    lossPercent: stats?.lossPercent ?? null,
    jitterMs: stats?.jitterMs ?? null,
    rttMs: stats?.rttMs ?? null,
    mos: stats?.mos ?? null,
    levelDbfs: stats?.levelDbfs ?? null,
    recordings: cdr.recordings === '' ? [] : cdr.recordings.split(';'),
  }
}

/** For people. */
export function summaryText({ call, cdr, stats }: Ended): string {
  const isAnswered = call.answeredAt !== null
  const lines = isAnswered ? [`talked ${seconds(cdr.talkMs)}, ${call.codec ?? 'no codec'}`] : []
  if (isAnswered && stats) lines.push(...soundLines(stats, cdr.talkMs))
  if (cdr.digits) lines.push(`the other side pressed: ${cdr.digits}`)
  if (cdr.recordings) lines.push(`recorded: ${cdr.recordings}`)
  return lines.map((line) => `  ${line}`).join('\n')
}

function soundLines(stats: Stats, talkMs: number): string[] {
  const quality = stats.mos === null ? '' : `, quality ${stats.mos.toFixed(1)} of 4.5 (MOS)`
  const received = `${stats.packetsReceived} packets received, ${stats.packetsLost} lost`
  return [`${stats.packetsSent} packets sent, ${received}${quality}`, ...heardLines(stats, talkMs)]
}

function heardLines({ packetsReceived }: Stats, talkMs: number): string[] {
  if (packetsReceived > 0 || talkMs < SOUND_DUE_MS) return []
  return ['nothing was heard: a firewall or NAT may block the sound (RTP)']
}

export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`
