import { MAX_CDR_DIGITS } from '../base/limits.js'
import type { CallEnd, CallEvent, CallSnapshot } from '../call/call-event.js'
import { cdrRecord } from '../call/cdr-record.js'

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

function interrupted({ last, ringingAt, digits, recordings }: OpenCall, wallMs: number, end: CallEnd): CallEvent {
  const { callId, owner, seq } = last
  const at = new Date(wallMs).toISOString()
  const sinceMs = (earlier: string): number => Math.max(0, wallMs - Date.parse(earlier))
  const talkMs = last.call.answeredAt === null ? 0 : sinceMs(last.call.answeredAt)
  const call: CallSnapshot = { ...last.call, state: 'ended', endedAt: at, durationMs: talkMs, end }
  const durationMs = sinceMs(call.startedAt)
  // The counters died with the engine.
  const cdr = cdrRecord(call, { end, endedAt: at, ringingAt, durationMs, digits, recordings, stats: null })
  return { type: 'call.ended', callId, at, seq: seq + 1, owner, call, end, stats: null, cdr }
}
