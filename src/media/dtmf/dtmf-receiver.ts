import { RecentMap } from '../../base/recent-map.js'
import { sequenceDelta } from '../rtp/sequence.js'
import { beginsSegment, isSameEvent, type KeyEvent, type Press, type Source, segmentLength } from './same-event.js'
import { DIGITS, readTelephoneEvents, type TelephoneEvent } from './telephone-event.js'

const SAMPLES_PER_MS = 8
/** If all end packets were lost, the digit ends after this time without a packet. */
const LOST_END_MS = 200
/** A sequence number that is lower by up to this much, shortly after a higher one, belongs to a late packet. */
const REORDER_PACKETS = 100
const REORDER_MS = 500
/** A call has one or two sources of digits. A further source replaces the one that was silent for the longest time. */
const MAX_SOURCES = 4

/** The fields of an RTP header that matter for an event. */
export interface EventHeader {
  ssrc: number
  sequence: number
  timestamp: number
  marker: boolean
}

/**
 * RFC 4733 receiver. Each source (SSRC) has its own sequence numbers, timestamps and last event; `isSameEvent` decides whether a packet
 * belongs to that event. A digit is reported once: at its first end packet, when another event begins, or after a time without packets.
 */
export class DtmfReceiver {
  readonly #onDigit: (digit: string, durationMs: number) => void
  readonly #sources = new RecentMap<number, Source>(MAX_SOURCES)
  /** The key that is held down. */
  #pressed: Press | undefined

  constructor(onDigit: (digit: string, durationMs: number) => void) {
    this.#onDigit = onDigit
  }

  receive(header: EventHeader, packet: Uint8Array, start: number, end: number, nowMs: number): void {
    const source = this.#sources.get(header.ssrc)
    if (source && isLate(source, header.sequence, nowMs)) return
    const events = readTelephoneEvents(packet, start, end, header.timestamp)
    const isPacked = events.length > 1
    // A packet that is sent again may hold earlier events than the last one: they are known.
    const last = source && isPacked ? events.findLastIndex((event) => isLastOf(source, event)) : 0
    events.forEach((event, i) => {
      const marker = header.marker && i === 0
      if (i >= last) this.#hear(header, { ...event, marker, nowMs, isPacked })
    })
  }

  #hear(header: EventHeader, event: KeyEvent): void {
    // RFC 4733 2.3.5: a duration of zero is for states, so it does not begin a press.
    const press =
      this.#pressOf(this.#sources.get(header.ssrc), event) ?? (event.samples > 0 ? this.#begin(event) : undefined)
    if (!press) return
    this.#note(header, press, event)
    if (event.isEnd && press === this.#pressed) this.#finish()
  }

  /** The press that this packet belongs to: the last one of its source, or one that another source sends too. */
  #pressOf(source: Source | undefined, event: KeyEvent): Press | undefined {
    if (source && isSameEvent(source, event, true)) return source.press
    for (const other of this.#sources.values()) {
      if (other.press !== source?.press && isSameEvent(other, event, false)) return other.press
    }
    return undefined
  }

  #begin({ code, nowMs }: KeyEvent): Press {
    this.#finish()
    this.#pressed = { code, earlierSamples: 0, samples: 0, endedMs: nowMs, lastPacketMs: nowMs }
    return this.#pressed
  }

  #note({ ssrc, sequence }: EventHeader, press: Press, event: KeyEvent): void {
    const { timestamp, nowMs } = event
    const known = this.#sources.get(ssrc)
    const before = known?.press === press ? known : undefined
    const isAnew = before !== undefined && beginsSegment(before, event)
    if (isAnew) {
      press.earlierSamples += segmentLength(before, event)
      press.samples = 0
    }
    press.samples = Math.max(press.samples, event.samples)
    press.lastPacketMs = nowMs
    if (press === this.#pressed) press.endedMs = nowMs
    this.#sources.set(ssrc, {
      press,
      sequence,
      startTimestamp: before && !isAnew ? before.startTimestamp : timestamp,
      lastTimestamp: timestamp,
      samples: before && !isAnew && !event.isEnd ? Math.max(before.samples, event.samples) : event.samples,
      sawEnd: event.isEnd || before?.sawEnd === true,
      lastPacketMs: nowMs,
    })
  }

  /** Ends a digit whose end packets were lost. Call it at intervals. */
  poll(nowMs: number): void {
    if (this.#pressed && nowMs - this.#pressed.lastPacketMs >= LOST_END_MS) this.#finish()
  }

  #finish(): void {
    const press = this.#pressed
    if (!press) return
    this.#pressed = undefined
    const samples = press.earlierSamples + press.samples
    this.#onDigit(DIGITS[press.code] ?? '', Math.round(samples / SAMPLES_PER_MS))
  }
}

/** Whether this is the last event of the source, reported again. */
function isLastOf({ press, lastTimestamp }: Source, { code, timestamp }: TelephoneEvent): boolean {
  return press.code === code && lastTimestamp === timestamp
}

/** RFC 3550 5.1: sequence numbers give the order; an older packet contains nothing new. */
function isLate(source: Source, sequence: number, nowMs: number): boolean {
  const ahead = sequenceDelta(sequence, source.sequence)
  return ahead < 0 && ahead > -REORDER_PACKETS && nowMs - source.lastPacketMs < REORDER_MS
}
