/**
 * Which packets are one press of a key. RFC 4733 2.2.1 and 2.3 know an event by its timestamp, in one source. Peers in the field do not: all
 * digits under one timestamp, a timestamp of its own for each packet or each end packet, one event told by two sources. What holds for all:
 * code and order, durations that grow within an event, and that a press cannot begin within the last one.
 */
import { timestampDelta } from '../rtp/sequence.js'

const SAMPLES_PER_MS = 8
/** Less than from one press to the next of the same key: 40 ms of tone and 40 of pause at least (ITU-T Q.24). */
const NEAR_MS = 60
const NEAR_SAMPLES = NEAR_MS * SAMPLES_PER_MS
/** A timestamp that is further ahead tells nothing of the time since the last one. */
const MAX_PAUSE_SAMPLES = 60_000 * SAMPLES_PER_MS
/** How exactly the arrival of a packet tells when its event began. */
const ARRIVAL_MS = 20
/** RFC 4733 2.5.1.3: the next segment starts where the last one ended; before it up to so much was lost. */
const SEGMENT_SAMPLES = 20 * SAMPLES_PER_MS
/** A segment is as long as the duration field allows, or nearly: then more may have been lost. */
const LONG_SAMPLES = 0x8000
const LONG_SEGMENT_SAMPLES = 200 * SAMPLES_PER_MS
/** The duration field is full: where the timestamp stays, it begins anew from here. */
const FULL_SAMPLES = 0xf000

/** A press of a key, as far as it was heard from any source. */
export interface Press {
  readonly code: number
  /** Of earlier segments. */
  earlierSamples: number
  samples: number
  /** When the packet came that told its latest end. */
  endedMs: number
  lastPacketMs: number
}

/** One SSRC that has sent events, and what it has told of its last one. */
export interface Source {
  readonly press: Press
  readonly sequence: number
  /** Of the first packet of the event or its segment, and of the last one. */
  readonly startTimestamp: number
  readonly lastTimestamp: number
  readonly samples: number
  readonly sawEnd: boolean
  readonly lastPacketMs: number
}

/** One packet, newer than all others of its source. */
export interface KeyEvent {
  code: number
  isEnd: boolean
  samples: number
  timestamp: number
  marker: boolean
  nowMs: number
}

/** Whether the packet belongs to the last event of this source; `own`: it comes from the source itself. */
export function isSameEvent(source: Source, event: KeyEvent, own: boolean): boolean {
  if (source.press.code !== event.code) return false
  if (!own) return beganWithin(source, event)
  return event.timestamp === source.lastTimestamp
    ? goesOn(source, event)
    : isSegment(source, event) || moves(source, event)
}

/** The same timestamp: the RFC's identity, unless the order says that the key was pressed anew. */
function goesOn({ sawEnd, samples }: Source, event: KeyEvent): boolean {
  if (sawEnd) return event.isEnd && event.samples >= samples
  return event.isEnd || event.samples >= samples || (samples >= FULL_SAMPLES && !event.marker)
}

/** RFC 4733 2.5.1.3: the next part of a long press, with a timestamp of its own and without a marker. */
function isSegment({ sawEnd, samples, startTimestamp }: Source, { timestamp, marker }: KeyEvent): boolean {
  const isLong = samples >= LONG_SAMPLES
  if (marker || (sawEnd && !isLong)) return false
  const beyond = timestampDelta(timestamp, startTimestamp) - samples
  return Math.abs(beyond) <= (isLong ? LONG_SEGMENT_SAMPLES : SEGMENT_SAMPLES)
}

/** Another timestamp for the same event, which RFC 4733 2.2.1 does not allow: its start could still lie within the event. */
function moves(source: Source, event: KeyEvent): boolean {
  if (event.samples < source.samples || (source.sawEnd && !event.isEnd)) return false
  const sinceStart = timestampDelta(event.timestamp, source.startTimestamp)
  if (sinceStart > 0 && sinceStart <= event.samples + NEAR_SAMPLES) return true
  return source.sawEnd && repeatsEnd(source, event, true)
}

/** An end right after another one. Where its timestamp can be that of a new press it is one: packets that waited come all at once. */
function repeatsEnd({ press, lastTimestamp }: Source, event: KeyEvent, own: boolean): boolean {
  const sinceLast = timestampDelta(event.timestamp, lastTimestamp)
  if (own && sinceLast >= 0 && sinceLast < MAX_PAUSE_SAMPLES) return sinceLast <= NEAR_SAMPLES
  return event.nowMs - press.lastPacketMs <= NEAR_MS
}

/** Of two sources neither numbers nor timestamps can be compared: when the packet came and how long its key was held tell its start. */
function beganWithin(source: Source, event: KeyEvent): boolean {
  const beganMs = event.nowMs - event.samples / SAMPLES_PER_MS
  if (beganMs <= source.press.endedMs + ARRIVAL_MS) return true
  return source.sawEnd && event.isEnd && event.samples >= source.samples && repeatsEnd(source, event, false)
}

/** Whether the durations of this source begin anew with the packet, which belongs to its last event. */
export function beginsSegment({ samples, lastTimestamp }: Source, event: KeyEvent): boolean {
  return event.samples < samples && (event.timestamp !== lastTimestamp || samples >= FULL_SAMPLES)
}
