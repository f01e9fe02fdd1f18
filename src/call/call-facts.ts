/** The facts of a call, and the two plain objects that are made of them: the snapshot in every event and the CDR. */
import type { Clock } from '../base/clock.js'
import { TelephonyError } from '../base/errors.js'
import { MAX_CDR_DIGITS } from '../base/limits.js'
import type { CodecName, MediaStats } from '../media/protocol.js'
import type { SipMessage } from '../sip/types.js'
import type { CallDirection, CallEnd, CallSnapshot, CallState, CdrRecord } from './call-event.js'

/** A point in time: wall-clock time for people, monotonic time for durations. */
export interface Moment {
  wallMs: number
  monoMs: number
}

export interface CallFacts {
  readonly id: string
  readonly sipCallId: string
  readonly account: { id: string; name: string }
  readonly direction: CallDirection
  readonly from: CallSnapshot['from']
  readonly to: CallSnapshot['to']
  readonly started: Moment
  state: CallState
  ringing: Moment | null
  answered: Moment | null
  /** When the end was decided; the work after it does not count as call time. */
  ended: Moment | null
  codec: CodecName | null
  headers: Record<string, string>
  tagsJson: string
  /** Pressed by the peer. */
  digits: string
  recordings: string[]
  end: CallEnd | null
}

const MAX_TAGS_OCTETS = 4096
const MAX_TEXT = 256

export const momentOf = (clock: Clock): Moment => ({ wallMs: clock.wall(), monoMs: clock.now() })
const iso = (moment: Moment): string => new Date(moment.wallMs).toISOString()
const isoOrNull = (moment: Moment | null): string | null => moment && iso(moment)
const between = (from: Moment | null, to: Moment): number => (from ? Math.round(to.monoMs - from.monoMs) : 0)

export function newFacts(
  init: Pick<CallFacts, 'id' | 'sipCallId' | 'account' | 'direction' | 'from' | 'to' | 'started'>,
  tags: Record<string, unknown> | undefined,
): CallFacts {
  const { id, sipCallId, account, direction, from, to, started } = init
  return {
    id,
    sipCallId,
    account: { id: account.id, name: account.name },
    direction,
    started,
    from: { uri: short(from.uri), user: short(from.user), displayName: short(from.displayName) },
    to: { uri: short(to.uri), user: short(to.user) },
    state: 'trying',
    ringing: null,
    answered: null,
    ended: null,
    codec: null,
    headers: {},
    tagsJson: tags === undefined ? '{}' : tagsToJson(tags),
    digits: '',
    recordings: [],
    end: null,
  }
}

/** Limits texts of the peer, so that events stay small. */
const short = (text: string): string => text.slice(0, MAX_TEXT)

export function noteDigit(facts: CallFacts, digit: string): void {
  facts.digits = (facts.digits + digit).slice(-MAX_CDR_DIGITS)
}

/** Notes only the headers that the account's list names, spelled as in the list. */
export function noteHeaders(facts: CallFacts, message: SipMessage, exposed: readonly string[]): void {
  const found = exposed.flatMap((name) => {
    // RFC 3261 7.3.1: several lines of a header mean the same as one line with commas.
    const values = message.headers(name)
    return values.length === 0 ? [] : [[name, short(values.join(', '))] as const]
  })
  // fromEntries defines own properties: a header called __proto__ is a property like any other.
  facts.headers = Object.fromEntries([...Object.entries(facts.headers), ...found])
}

/** Throws BAD_ARGUMENT for tags that are not an object, cannot be written as JSON, or are too large for an event. */
export function tagsToJson(tags: Record<string, unknown>): string {
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
  return json
}

/** A new object each time, because listeners may change it. */
export function snapshotOf(facts: CallFacts, now: Moment): CallSnapshot {
  const { id, sipCallId, account, direction, state, from, to, codec, headers, end } = facts
  return {
    id,
    sipCallId,
    account: { ...account },
    direction,
    state,
    from: { ...from },
    to: { ...to },
    startedAt: iso(facts.started),
    answeredAt: isoOrNull(facts.answered),
    endedAt: end && isoOrNull(facts.ended),
    durationMs: between(facts.answered, facts.ended ?? now),
    codec,
    headers: { ...headers },
    tags: JSON.parse(facts.tagsJson),
    end: end && { ...end },
  }
}

export function cdrOf(facts: CallFacts, end: CallEnd, ended: Moment, stats: MediaStats | null): CdrRecord {
  return {
    id: facts.id,
    sipCallId: facts.sipCallId,
    accountId: facts.account.id,
    account: facts.account.name,
    direction: facts.direction,
    fromUri: facts.from.uri,
    fromUser: facts.from.user,
    fromName: facts.from.displayName,
    toUri: facts.to.uri,
    toUser: facts.to.user,
    startedAt: iso(facts.started),
    ringingAt: isoOrNull(facts.ringing),
    answeredAt: isoOrNull(facts.answered),
    endedAt: iso(ended),
    durationMs: between(facts.started, ended),
    talkMs: between(facts.answered, ended),
    endedBy: end.by,
    cause: end.cause,
    sipCode: end.sipCode,
    reason: end.reason,
    codec: facts.codec,
    digits: facts.digits,
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
    recordings: facts.recordings.join(';'),
    tags: facts.tagsJson === '{}' ? '' : facts.tagsJson,
  }
}
