/**
 * Decides which packets belong to one press of a key. In RFC 4733 2.2.1 and 2.3 the timestamp and the source identify an event. Some peers differ: all
 * digits have one timestamp, each packet or each end packet has its own timestamp, or two sources send one event. In all cases
 * code and order are right, durations grow within an event, and a press cannot begin within the last one.
 */
import { timestampDelta } from '../rtp/sequence.js'
import type { TelephoneEvent } from './telephone-event.js'

const SAMPLES_PER_MS = 8
/** Less than from one press to the next of the same key: 40 ms of tone and 40 of pause at least (ITU-T Q.24). */
const NEAR_MS = 60
const NEAR_SAMPLES = NEAR_MS * SAMPLES_PER_MS
/** A timestamp that is further ahead does not show the time since the last one. */
const MAX_PAUSE_SAMPLES = 60_000 * SAMPLES_PER_MS
/** Tolerance of the begin of an event that is estimated from the arrival of a packet. */
const ARRIVAL_MS = 20
/** RFC 4733 2.5.1.3: the next segment starts where the last one ended; up to this much of it may have been lost. */
const SEGMENT_SAMPLES = 20 * SAMPLES_PER_MS
/** A segment is about as long as the duration field allows: then more may have been lost. */
const LONG_SAMPLES = 0x8000
const LONG_SEGMENT_SAMPLES = 200 * SAMPLES_PER_MS
/** The duration field is full: with an unchanged timestamp the duration restarts. */
const FULL_SAMPLES = 0xf000

/** A press of a key, as reported by any source. */
export interface Press {
  readonly code: number
  /** Duration of earlier segments. */
  earlierSamples: number
  samples: number
  /** When the packet with the latest end arrived. */
  endedMs: number
  lastPacketMs: number
}

/** One SSRC that has sent events, with the state of its last event. */
export interface Source {
  readonly press: Press
  readonly sequence: number
  /** Timestamps of the first packet of the event or its segment, and of the last packet. */
  readonly startTimestamp: number
  readonly lastTimestamp: number
  readonly samples: number
  readonly sawEnd: boolean
  readonly lastPacketMs: number
}

/** One event of a packet; the packet is newer than all others of its source. */
export interface KeyEvent extends TelephoneEvent {
  marker: boolean
  nowMs: number
  /** The packet holds several events: their timestamps are exact. */
  isPacked: boolean
}

/** Whether the packet belongs to the last event of this source; `own`: it comes from the source itself. */
export function isSameEvent(source: Source, event: KeyEvent, own: boolean): boolean {
  if (source.press.code !== event.code) return false
  if (!own) return !event.isPacked && beganWithin(source, event)
  if (event.timestamp === source.lastTimestamp) return goesOn(source, event)
  return isSegment(source, event) || (!event.isPacked && moves(source, event))
}

/** The same timestamp: the RFC's identity, unless the order shows a new press of the key. */
function goesOn({ sawEnd, samples }: Source, event: KeyEvent): boolean {
  if (sawEnd) return event.isEnd && event.samples >= samples
  return event.isEnd || event.samples >= samples || (samples >= FULL_SAMPLES && !event.marker)
}

/** RFC 4733 2.5.1.3: the next part of a long press, with its own timestamp and without a marker. */
function isSegment({ sawEnd, samples, startTimestamp }: Source, { timestamp, marker }: KeyEvent): boolean {
  const isLong = samples >= LONG_SAMPLES
  if (marker || (sawEnd && !isLong)) return false
  const beyond = timestampDelta(timestamp, startTimestamp) - samples
  return Math.abs(beyond) <= (isLong ? LONG_SEGMENT_SAMPLES : SEGMENT_SAMPLES)
}

/** The same event with another timestamp, against RFC 4733 2.2.1: the start is still within the event. */
function moves(source: Source, event: KeyEvent): boolean {
  if (event.samples < source.samples || (source.sawEnd && !event.isEnd)) return false
  const sinceStart = timestampDelta(event.timestamp, source.startTimestamp)
  if (sinceStart > 0 && sinceStart <= event.samples + NEAR_SAMPLES) return true
  return source.sawEnd && repeatsEnd(source, event, true)
}

/** An end packet right after another one. If its timestamp allows a new press, it is a new press: delayed packets arrive together. */
function repeatsEnd({ press, lastTimestamp }: Source, event: KeyEvent, own: boolean): boolean {
  const sinceLast = timestampDelta(event.timestamp, lastTimestamp)
  if (own && sinceLast >= 0 && sinceLast < MAX_PAUSE_SAMPLES) return sinceLast <= NEAR_SAMPLES
  return event.nowMs - press.lastPacketMs <= NEAR_MS
}

/** Sequence numbers and timestamps of two sources cannot be compared, so the start is estimated from arrival and duration. */
function beganWithin(source: Source, event: KeyEvent): boolean {
  const beganMs = event.nowMs - event.samples / SAMPLES_PER_MS
  if (beganMs <= source.press.endedMs + ARRIVAL_MS) return true
  return source.sawEnd && event.isEnd && event.samples >= source.samples && repeatsEnd(source, event, false)
}

/** Whether the durations restart with this packet of the source's last event. */
export function beginsSegment(source: Source, event: KeyEvent): boolean {
  const { samples, startTimestamp, lastTimestamp } = source
  if (event.timestamp === lastTimestamp) return event.samples < samples && samples >= FULL_SAMPLES
  // With some peers each packet is a segment of its own, and all are equally long.
  const isEqual = event.samples === samples && !source.sawEnd && lastTimestamp === startTimestamp
  return event.samples < samples || isEqual
}

/** How long the last segment was when this packet began the next one. */
export function segmentLength({ press, startTimestamp, lastTimestamp }: Source, { timestamp }: KeyEvent): number {
  if (timestamp === lastTimestamp) return press.samples
  return Math.max(0, Math.min(press.samples, timestampDelta(timestamp, startTimestamp)))
}
