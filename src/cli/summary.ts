import type { EngineEvents } from '../engine/protocol.js'
import { type Ended, NO_ADDRESS, type Outcome } from './outcome.js'

type Stats = NonNullable<Ended['stats']>
type Trouble = Extract<EngineEvents['call'], { type: 'call.media-trouble' }>['trouble']

/** In a shorter call the peer had no time to send sound. */
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
    discardedPackets: stats?.discardedPackets ?? 0,
    lossPercent: stats?.lossPercent ?? null,
    jitterMs: stats?.jitterMs ?? null,
    rttMs: stats?.rttMs ?? null,
    mos: stats?.mos ?? null,
    levelDbfs: stats?.levelDbfs ?? null,
    heard: stats?.heard ?? null,
    undecodedPackets: stats?.undecodedPackets ?? 0,
    strangerPackets: stats?.strangerPackets ?? 0,
    strangerSources: stats?.strangerSources ?? [],
    ...(call.diagnosis && { diagnosis: call.diagnosis }),
    recordings: cdr.recordings === '' ? [] : cdr.recordings.split(';'),
  }
}

/** For people. */
export function summaryText({ call, cdr, end, stats }: Ended): string {
  const isAnswered = call.answeredAt !== null
  const lines = isAnswered ? [`talked ${seconds(cdr.talkMs)}, ${call.codec ?? 'no codec'}`] : []
  if (isAnswered && stats) lines.push(...soundLines(stats, end, cdr.talkMs))
  if (cdr.digits) lines.push(`the other side pressed: ${cdr.digits}`)
  if (cdr.recordings) lines.push(`recorded: ${cdr.recordings}`)
  return lines.map((line) => `  ${line}`).join('\n')
}

function soundLines(stats: Stats, end: Ended['end'], talkMs: number): string[] {
  const quality = stats.mos === null ? '' : `, quality ${stats.mos.toFixed(1)} of 4.5 (MOS)`
  const discarded = stats.discardedPackets > 0 ? `, ${stats.discardedPackets} not played in time` : ''
  const received = `${stats.packetsReceived} packets received, ${stats.packetsLost} lost${discarded}`
  return [
    `${stats.packetsSent} packets sent, ${received}${quality}`,
    ...heardLines(stats, end, talkMs),
    ...strangerLines(stats),
  ]
}

function heardLines(stats: Stats, end: Ended['end'], talkMs: number): string[] {
  if (end.mediaTrouble === 'no-address') return [NO_ADDRESS]
  if (stats.heard === 'silence') return ['the other side sent silence']
  if (stats.heard === 'undecodable') return [`nothing was heard: ${undecodedText(stats)}`]
  if (stats.heard !== 'nothing' || talkMs < SOUND_DUE_MS) return []
  return ['nothing was heard: a firewall or NAT may block the sound (RTP)']
}

function strangerLines({ heard, strangerPackets, strangerSources }: Stats): string[] {
  if (strangerPackets === 0) return []
  const text = `${strangerPackets} packets from another address than the agreed one were not heard: ${sourcesText(strangerSources)}`
  return [heard === 'other-source' ? `${text}; ${ANY_SOURCE}` : text]
}

const ANY_SOURCE = 'if the other side sends them, use --audio-from any'

/** Text during the call: nothing is heard. */
export function troubleText(trouble: Trouble): string {
  if (trouble.reason === 'no-address') return `nothing can be sent or heard: ${trouble.text}`
  if (trouble.reason === 'undecodable') return `nothing is heard: ${undecodedText(trouble)}`
  return `nothing is heard: sound comes from another address than the agreed one: ${sourcesText(trouble.strangerSources)}; ${ANY_SOURCE}`
}

function undecodedText({ undecoded }: Pick<Trouble, 'undecoded'>): string {
  const kinds = undecoded.map(
    ({ payloadType, octets, packets }) => `${packets} × payload type ${payloadType}, ${octets} octets`,
  )
  return `the packets of the other side cannot be decoded (${kinds.join('; ')})`
}

const sourcesText = (sources: Trouble['strangerSources']): string =>
  sources.map(({ address, packets }) => `${packets} from ${address}`).join(', ')

export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`
