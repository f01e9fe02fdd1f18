import { addTimestamp } from '../rtp/sequence.js'
import { DIGITS } from './telephone-event.js'

const SAMPLES_PER_MS = 8
/** `,` as in dial strings. */
const PAUSE_MS = 500
/** RFC 4733 2.5.1.4: the final packet is sent three times, at the update interval. */
const END_PACKETS = 3
/** The duration field has 16 bits; longer events would need segments (RFC 4733 2.5.1.3). */
export const MAX_TONE_MS = 8000
const MIN_MS = 40

export interface DigitString {
  sendId: string
  digits: string
  toneMs: number
  gapMs: number
}

type Step = { kind: 'digit'; event: number; toneMs: number; gapMs: number } | { kind: 'pause' } | Done
type Done = { kind: 'done'; sendId: string }

export const isDigitString = (digits: string): boolean => /^[0-9*#A-Da-d,]+$/.test(digits)

/**
 * RFC 4733 sender, called once per packet interval. After `next` has returned `event`, the fields hold the packet to send.
 * Event packets replace sound packets; in the gap between digits sound is sent.
 */
export class DtmfSender {
  event = 0
  end = false
  marker = false
  durationSamples = 0
  /** The start of the event: the same in all of its packets. */
  timestamp = 0

  readonly #steps: Step[] = []
  readonly #onSent: (sendId: string) => void
  #toneSamples = 0
  #gapMs = 0
  #endsLeft = 0
  #waitMs = 0
  #sending = false

  constructor(onSent: (sendId: string) => void) {
    this.#onSent = onSent
  }

  get busy(): boolean {
    return this.#sending || this.#waitMs > 0 || this.#steps.length > 0
  }

  add({ sendId, digits, toneMs, gapMs }: DigitString): void {
    for (const digit of digits.toUpperCase()) {
      const event = DIGITS.indexOf(digit)
      if (event < 0) this.#steps.push({ kind: 'pause' })
      else this.#steps.push({ kind: 'digit', event, toneMs: Math.max(MIN_MS, toneMs), gapMs: Math.max(MIN_MS, gapMs) })
    }
    this.#steps.push({ kind: 'done', sendId })
  }

  /** Drops all digits; returns the ids of the unfinished orders. */
  cancel(): string[] {
    const left = this.#steps.filter((step) => step.kind === 'done').map((step) => step.sendId)
    this.#steps.length = 0
    this.#sending = false
    this.#waitMs = 0
    return left
  }

  /** Decides what to send in this interval; `timestamp` is the one of sound sent now. */
  next(timestamp: number, intervalMs: number): 'event' | 'sound' {
    if (this.#sending) return this.#continue(intervalMs)
    if (this.#waitMs > 0) {
      this.#waitMs -= intervalMs
      return 'sound'
    }
    const step = this.#steps.shift()
    if (!step || step.kind === 'done') return 'sound'
    if (step.kind === 'pause') {
      this.#waitMs = PAUSE_MS - intervalMs
      this.#tellDone()
      return 'sound'
    }
    this.#begin(step, timestamp, intervalMs)
    return 'event'
  }

  #begin(step: Step & { kind: 'digit' }, timestamp: number, intervalMs: number): void {
    this.#sending = true
    this.#toneSamples = step.toneMs * SAMPLES_PER_MS
    this.#gapMs = step.gapMs
    this.#endsLeft = END_PACKETS
    this.event = step.event
    this.timestamp = addTimestamp(timestamp, 0)
    this.durationSamples = 0
    this.#lengthen(intervalMs)
    if (this.end) this.#endsLeft--
    this.marker = true
  }

  #continue(intervalMs: number): 'event' {
    this.marker = false
    if (!this.end) this.#lengthen(intervalMs)
    if (this.end && --this.#endsLeft === 0) {
      this.#sending = false
      // The repeated end packets are sent after the tone.
      this.#waitMs = Math.max(0, this.#gapMs - (END_PACKETS - 1) * intervalMs)
    }
    return 'event'
  }

  #lengthen(intervalMs: number): void {
    this.durationSamples = Math.min(this.#toneSamples, this.durationSamples + intervalMs * SAMPLES_PER_MS)
    this.end = this.durationSamples >= this.#toneSamples
  }

  /** Call it when the packet has been sent. */
  sent(): void {
    if (!this.#sending) this.#tellDone()
  }

  #tellDone(): void {
    for (let step = this.#steps[0]; step?.kind === 'done'; step = this.#steps[0]) {
      this.#steps.shift()
      this.#onSent(step.sendId)
    }
  }
}
