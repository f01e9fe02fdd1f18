import type { EngineEvents } from '../engine/protocol.js'

type CallEvent = EngineEvents['call']
type Ended = Extract<CallEvent, { type: 'call.ended' }>

export interface Streams {
  out: (line: string) => void
  err: (line: string) => void
}

/** What was done and found, for people or, with --json, one object per line for programs. */
export class Report {
  readonly #streams: Streams
  readonly #json: boolean

  constructor(streams: Streams, json: boolean) {
    this.#streams = streams
    this.#json = json
  }

  /** `type` names it for programs, `text` says it to people; '' for what only programs want. */
  say(type: string, fields: Record<string, unknown>, text: string): void {
    if (this.#json) this.#streams.out(JSON.stringify({ type, ...fields }))
    else if (text !== '') this.#streams.out(text)
  }

  fail(text: string, advice = ''): void {
    this.#streams.err(advice ? `${text}\n  ${advice}` : text)
  }

  callEvent(event: CallEvent): void {
    const { type, ...fields } = event
    this.say(type, fields, describe(event))
  }

  summary(ended: Ended): void {
    this.say('summary', summaryOf(ended), summaryText(ended))
  }
}

export const wentWell = ({ call, end }: Ended): boolean => call.answeredAt !== null && end.cause === 'normal'

function summaryOf(event: Ended): Record<string, unknown> {
  const { call, cdr, end, stats } = event
  return {
    ok: wentWell(event),
    callId: event.callId,
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

function summaryText({ call, cdr, stats }: Ended): string {
  if (call.answeredAt === null) return ''
  const lines = [`talked ${seconds(cdr.talkMs)}, ${call.codec ?? 'no codec'}`]
  if (stats) {
    const quality = stats.mos === null ? '' : `, quality ${stats.mos.toFixed(1)} of 4.5 (MOS)`
    const received = `${stats.packetsReceived} packets received, ${stats.packetsLost} lost`
    lines.push(`${stats.packetsSent} packets sent, ${received}${quality}`)
    if (stats.packetsReceived === 0) lines.push('nothing was heard: a firewall or NAT may block the sound (RTP)')
  }
  if (cdr.digits) lines.push(`digits pressed over there: ${cdr.digits}`)
  if (cdr.recordings) lines.push(`recorded: ${cdr.recordings}`)
  return lines.map((line) => `  ${line}`).join('\n')
}

function describe(event: CallEvent): string {
  switch (event.type) {
    case 'call.incoming':
      return `call from ${event.call.from.displayName || event.call.from.user || event.call.from.uri}`
    case 'call.trying':
      return `calling ${event.call.to.uri}`
    case 'call.ringing':
      return 'ringing'
    case 'call.early':
      return 'sound before the answer'
    case 'call.answered':
      return `answered, ${event.call.codec ?? ''}`
    case 'call.media':
      return 'first sound packet received'
    case 'call.media-trouble':
      return event.trouble.text
    case 'call.digit':
      return `digit ${event.digit}`
    case 'call.held':
      return 'put on hold'
    case 'call.resumed':
      return 'resumed'
    case 'call.idle':
      return `nothing happens in the call: it ends in ${event.leftSec} s`
    case 'call.play-ended':
      return `played ${seconds(event.playedMs)} (${event.ended})`
    case 'call.record-ended':
      return `recorded ${seconds(event.durationMs)} to ${event.path}${event.truncated ? ', a part is missing: the disk failed' : ''}`
    case 'call.ended':
      return `ended: ${event.end.cause}${event.end.sipCode ? ` (${event.end.sipCode} ${event.end.reason})` : ''}`
  }
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`
