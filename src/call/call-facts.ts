/** The facts of a call, and the snapshot of them that every event contains. */
import { TelephonyError } from '../base/errors.js'
import { MAX_CDR_DIGITS } from '../base/limits.js'
import type { CodecName, MediaStats } from '../media/protocol.js'
import type { SipMessage } from '../sip/types.js'
import type { CallAlert } from './alert.js'
import type { CallDirection, CallEnd, CallSnapshot, CallState, CdrRecord } from './call-event.js'
import { nextState } from './call-state.js'
import { cdrRecord } from './cdr-record.js'
import type { CallIdentity } from './identity.js'
import type { Moment } from './moment.js'

interface CallFactsInit {
  id: string
  sipCallId: string
  account: { id: string; name: string }
  direction: CallDirection
  from: CallSnapshot['from']
  to: CallSnapshot['to']
  started: Moment
  tags?: Record<string, unknown> | undefined
  group?: string | undefined
}

/** Shared by all calls. */
const NOT_HELD = Object.freeze({ local: false, remote: false })
const MAX_TAGS_OCTETS = 4096
const MAX_TEXT = 256

export class CallFacts {
  readonly id: string
  readonly direction: CallDirection
  readonly started: Moment
  /** Null before the first 180 or 183. */
  ringing: Moment | null = null
  /** When the end was decided; the work after it does not count as call time. */
  ended: Moment | null = null
  readonly recordings: string[] = []
  #answered: Moment | null = null
  #digits = ''
  /** Replaced at each change, never altered: events keep it. */
  #snapshot: CallSnapshot

  /** Throws BAD_ARGUMENT for tags that cannot be part of an event. */
  constructor({ id, sipCallId, account, direction, from, to, started, tags, group = '' }: CallFactsInit) {
    this.id = id
    this.direction = direction
    this.started = started
    this.#snapshot = {
      id,
      sipCallId,
      account: { id: account.id, name: account.name },
      direction,
      state: 'trying',
      from: { uri: short(from.uri), user: short(from.user), displayName: short(from.displayName) },
      to: { uri: short(to.uri), user: short(to.user) },
      startedAt: started.iso,
      answeredAt: null,
      endedAt: null,
      durationMs: 0,
      codec: null,
      hold: NOT_HELD,
      headers: {},
      identity: null,
      alert: null,
      tags: tags === undefined ? {} : checkedTags(tags),
      group: group === '' ? null : group,
      end: null,
    }
  }

  get state(): CallState {
    return this.#snapshot.state
  }

  get codec(): CodecName | null {
    return this.#snapshot.codec
  }

  get isHeldByUs(): boolean {
    return this.#snapshot.hold.local
  }

  /** Throws WRONG_STATE for a transition that is not allowed. */
  become(state: CallState): void {
    this.#snapshot = { ...this.#snapshot, state: nextState(this.state, state) }
  }

  answered(now: Moment): void {
    this.#answered = now
    this.#snapshot = { ...this.#snapshot, state: nextState(this.state, 'answered'), answeredAt: now.iso }
  }

  /** The call goes on in another dialog. */
  continueIn(sipCallId: string): void {
    this.#snapshot = { ...this.#snapshot, sipCallId }
  }

  use(codec: CodecName): void {
    if (codec !== this.codec) this.#snapshot = { ...this.#snapshot, codec }
  }

  /** Of an answered call. */
  hold(hold: CallSnapshot['hold']): void {
    const state = hold.local || hold.remote ? 'held' : 'answered'
    this.#snapshot = { ...this.#snapshot, hold, state: state === this.state ? state : nextState(this.state, state) }
  }

  /** Throws BAD_ARGUMENT for tags that cannot be part of an event. */
  setTags(tags: Record<string, unknown>): void {
    this.#snapshot = { ...this.#snapshot, tags: checkedTags(tags) }
  }

  /** Notes only the headers that the account's list names, spelled as in the list. */
  noteHeaders(message: SipMessage, exposed: readonly string[]): void {
    if (exposed.length === 0) return
    const found = exposed.flatMap((name) => {
      // RFC 3261 7.3.1: several lines of a header mean the same as one line with commas.
      const values = message.headers(name)
      return values.length === 0 ? [] : [[name, short(values.join(', '))] as const]
    })
    if (found.length === 0) return
    // fromEntries defines own properties: a header called __proto__ is a property like any other.
    this.#snapshot = { ...this.#snapshot, headers: { ...this.#snapshot.headers, ...Object.fromEntries(found) } }
  }

  /** Later messages of the peer replace what earlier ones said. */
  noteIdentity(identity: CallIdentity): void {
    this.#snapshot = { ...this.#snapshot, identity }
  }

  noteAlert(alert: CallAlert): void {
    this.#snapshot = { ...this.#snapshot, alert }
  }

  /** A digit that the peer pressed. */
  noteDigit(digit: string): void {
    this.#digits = (this.#digits + digit).slice(-MAX_CDR_DIGITS)
  }

  /** The call has ended, and `ended` says when that was decided. Returns its record. */
  close(end: CallEnd, stats: MediaStats | null): CdrRecord {
    const ended = this.ended ?? this.started
    const endedAt = ended.iso
    const durationMs = ended.since(this.#answered)
    this.#snapshot = { ...this.#snapshot, state: nextState(this.state, 'ended'), endedAt, durationMs, end }
    return cdrRecord(this.#snapshot, {
      end,
      endedAt,
      ringingAt: this.ringing?.iso ?? null,
      durationMs: ended.since(this.started),
      digits: this.#digits,
      recordings: this.recordings,
      stats,
    })
  }

  /** The same object until a fact changes or time passes in the answered call. Nobody may alter it or its parts. */
  snapshot(now: Moment): CallSnapshot {
    const durationMs = (this.ended ?? now).since(this.#answered)
    if (durationMs !== this.#snapshot.durationMs) this.#snapshot = { ...this.#snapshot, durationMs }
    return this.#snapshot
  }
}

/** Limits texts of the peer, so that events stay small. */
const short = (text: string): string => text.slice(0, MAX_TEXT)

/** A copy of the tags as JSON gives it back. Throws BAD_ARGUMENT for tags that are not an object, cannot be written as JSON, or are too large for an event. */
function checkedTags(tags: Record<string, unknown>): Record<string, unknown> {
  let json: string | undefined
  try {
    json = JSON.stringify(tags)
  } catch (error) {
    throw new TelephonyError(
      'BAD_ARGUMENT',
      'the tags cannot be written as JSON. Use texts, numbers and plain objects',
      { cause: error },
    )
  }
  if (!json?.startsWith('{'))
    throw new TelephonyError('BAD_ARGUMENT', 'the tags are not an object. Use an object like { "customer": 7 }')
  if (Buffer.byteLength(json) > MAX_TAGS_OCTETS) {
    throw new TelephonyError(
      'BAD_ARGUMENT',
      `the tags are too large: at most ${MAX_TAGS_OCTETS} octets of JSON are possible`,
    )
  }
  return JSON.parse(json) as Record<string, unknown>
}
