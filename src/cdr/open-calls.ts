import { MAX_CDR_DIGITS } from '../base/limits.js'
import type { CallEnd, CallEvent, CdrRecord } from '../call/call-event.js'

interface OpenCall {
  last: CallEvent
  ringingAt: string | null
  digits: string
  recordings: string[]
}

/** Calls that have not ended, as their events describe them: enough to close their records when their engine has died. */
export class OpenCalls {
  readonly #calls = new Map<string, OpenCall>()

  observe(event: CallEvent): void {
    if (event.type === 'call.ended') {
      this.#calls.delete(event.callId)
      return
    }
    const known = this.#calls.get(event.callId)
    const call: OpenCall = known ?? { last: event, ringingAt: null, digits: '', recordings: [] }
    call.last = event
    if (event.type === 'call.ringing') call.ringingAt ??= event.at
    if (event.type === 'call.digit') call.digits = (call.digits + event.digit).slice(-MAX_CDR_DIGITS)
    if (event.type === 'call.record-ended') call.recordings.push(event.path)
    this.#calls.set(event.callId, call)
  }

  /** Ends all of them: one `call.ended` each, cause `interrupted`. */
  interrupt(wallMs: number, reason: string): CallEvent[] {
    const calls = [...this.#calls.values()]
    this.#calls.clear()
    return calls.map((call) => interrupted(call, wallMs, { by: 'error', cause: 'interrupted', sipCode: null, reason }))
  }
}

function interrupted(open: OpenCall, wallMs: number, end: CallEnd): CallEvent {
  const { last } = open
  const at = new Date(wallMs).toISOString()
  const talkMs = last.call.answeredAt === null ? 0 : Math.max(0, wallMs - Date.parse(last.call.answeredAt))
  return {
    type: 'call.ended',
    callId: last.callId,
    at,
    seq: last.seq + 1,
    owner: last.owner,
    call: { ...last.call, state: 'ended', endedAt: at, durationMs: talkMs, end },
    end,
    stats: null,
    cdr: cdrOf(open, at, talkMs, end),
  }
}

function cdrOf(
  { last: { call }, ringingAt, digits, recordings }: OpenCall,
  endedAt: string,
  talkMs: number,
  end: CallEnd,
): CdrRecord {
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
    durationMs: Math.max(0, Date.parse(endedAt) - Date.parse(call.startedAt)),
    talkMs,
    endedBy: end.by,
    cause: end.cause,
    sipCode: end.sipCode,
    reason: end.reason,
    codec: call.codec,
    digits,
    // The counters died with the engine; unknown values stay null.
    packetsSent: 0,
    packetsReceived: 0,
    packetsLost: 0,
    discardedPackets: 0,
    jitterMs: null,
    rttMs: null,
    mos: null,
    heard: null,
    undecodedPackets: 0,
    strangerPackets: 0,
    strangerSources: '',
    recordings: recordings.join(';'),
    tags: Object.keys(call.tags).length > 0 ? JSON.stringify(call.tags) : '',
  }
}
