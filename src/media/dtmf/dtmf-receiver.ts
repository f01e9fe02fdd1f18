import { timestampDelta } from '../rtp/sequence.js'
import { DIGITS, EVENT_OCTETS } from './telephone-event.js'

const SAMPLES_PER_MS = 8
/** All end packets were lost: the digit is over when nothing came for so long. */
const LOST_END_MS = 200
/** A packet that is older than the current event by less than this came late; older still, the peer's clock has changed. */
const REORDER_SAMPLES = 5000 * SAMPLES_PER_MS
/** From one packet of an event to the next, less than from one digit to the next: 40 ms of tone and 40 of pause at least (ITU-T Q.24). */
const MOVED_SAMPLES = 60 * SAMPLES_PER_MS
/** RFC 4733 2.5.1.3: the next part of a long event starts where the last one ended. */
const SEGMENT_TOLERANCE_SAMPLES = 20 * SAMPLES_PER_MS

/**
 * RFC 4733 receiver. An event is known by its timestamp, not by the marker bit, which peers forget and networks lose;
 * its end is told once, however many end packets come, and is told as well when they are all lost.
 */
export class DtmfReceiver {
  readonly #onDigit: (digit: string, durationMs: number) => void
  #timestamp: number | undefined
  #event = 0
  #earlierSamples = 0
  #samples = 0
  #pressed = false
  /** The peer gives each packet of an event a timestamp of its own, as it must not. */
  #moves = false
  #lastPacketMs = 0

  constructor(onDigit: (digit: string, durationMs: number) => void) {
    this.#onDigit = onDigit
  }

  receive(timestamp: number, packet: Uint8Array, start: number, end: number, nowMs: number): void {
    if (end - start < EVENT_OCTETS) return
    const event = packet[start] ?? 0
    if (event >= DIGITS.length) return
    const samples = ((packet[start + 2] ?? 0) << 8) | (packet[start + 3] ?? 0)
    if (timestamp !== this.#timestamp) {
      if (this.#isOld(timestamp)) return
      if (this.#hasMoved(event, samples, timestamp)) this.#timestamp = timestamp
      else this.#begin(event, timestamp)
    }
    if (!this.#pressed) return
    this.#samples = Math.max(this.#samples, samples)
    this.#lastPacketMs = nowMs
    if (((packet[start + 1] ?? 0) & 0x80) !== 0) this.#finish()
  }

  #isOld(timestamp: number): boolean {
    if (this.#timestamp === undefined) return false
    const behind = timestampDelta(this.#timestamp, timestamp)
    return behind > 0 && behind < REORDER_SAMPLES
  }

  /** RFC 4733 2.2.1 wants the timestamp of the beginning in all packets; where it goes on with the duration, the event is the same. */
  #hasMoved(event: number, samples: number, timestamp: number): boolean {
    if (this.#timestamp === undefined || event !== this.#event) return false
    if (timestampDelta(timestamp, this.#timestamp) > MOVED_SAMPLES) return false
    if (!this.#pressed) return this.#moves && samples === this.#samples
    if (samples <= this.#samples || this.#samples === 0) return false
    this.#moves = true
    return true
  }

  #begin(event: number, timestamp: number): void {
    const partEnd = (this.#timestamp ?? 0) + this.#samples
    const continues =
      this.#pressed &&
      event === this.#event &&
      Math.abs(timestampDelta(timestamp, partEnd)) <= SEGMENT_TOLERANCE_SAMPLES
    if (!continues) this.#finish()
    this.#earlierSamples = continues ? this.#earlierSamples + this.#samples : 0
    this.#timestamp = timestamp
    this.#event = event
    this.#samples = 0
    this.#pressed = true
    this.#moves = false
  }

  /** To be called now and then. */
  poll(nowMs: number): void {
    if (this.#pressed && nowMs - this.#lastPacketMs >= LOST_END_MS) this.#finish()
  }

  /** The source has changed: its timestamps mean nothing to the old ones. */
  reset(): void {
    this.#finish()
    this.#timestamp = undefined
  }

  #finish(): void {
    if (!this.#pressed) return
    this.#pressed = false
    this.#onDigit(DIGITS[this.#event] ?? '', Math.round((this.#earlierSamples + this.#samples) / SAMPLES_PER_MS))
  }
}
