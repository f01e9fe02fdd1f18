import { findPeriod, MAX_PERIOD } from './pitch.js'

/*
 * ITU-T G.711 Appendix I: lost sound is replaced by pitch periods of the last sound, one at first, two after 10 ms, three after 20 ms,
 * fading from 10 ms on, silent after 60 ms, and overlapped with the sound after the loss.
 * Appendix I delays all output by 3.75 ms to overlap the beginning too. Here a ramp smooths the step instead, without a delay.
 */

const SAMPLES_PER_MS = 8
const STEP = 10 * SAMPLES_PER_MS
const MAX_PERIODS = 3
const FADE_END = 6 * STEP
const FADE_PER_SAMPLE = 0.2 / STEP
const MAX_OVERLAP = MAX_PERIOD / 4
/** Three of the longest periods, preceded by the samples that overlap with the first one. */
const HISTORY = MAX_PERIODS * MAX_PERIOD + MAX_OVERLAP
/** The longer the loss, the longer the overlap at its end. */
const RECOVERY_PER_STEP = 4 * SAMPLES_PER_MS

/** Samples of the narrower cycle, to be overlapped with those of the wider one. */
const overlapped = new Float32Array(MAX_OVERLAP)

export class Concealment {
  readonly #history = new Int16Array(HISTORY)
  /** The sound before the loss; its last periods are repeated. */
  readonly #cycle = new Int16Array(HISTORY)
  /** The end of the history before the overlap with the beginning of the cycle. */
  readonly #end = new Int16Array(MAX_OVERLAP)
  #period = 0
  #periods = 0
  #at = 0
  #concealed = 0
  #silent = true

  /** Whether there is no earlier sound to conceal with, or the concealment has faded to silence. */
  get exhausted(): boolean {
    return this.#silent || this.#concealed >= FADE_END
  }

  /** Takes received sound. After a loss its beginning is overlapped, in place, with the end of the concealment. */
  heard(frame: Int16Array, from: number, n: number): void {
    if (this.#concealed > 0) this.#recover(frame, from, n)
    this.#concealed = 0
    this.#silent = false
    this.#remember(frame, from, n)
  }

  /** Drops the history: the peer has paused on purpose, or another source follows. */
  forget(): void {
    if (this.#silent) return
    this.#silent = true
    this.#concealed = 0
    this.#history.fill(0)
  }

  fill(frame: Int16Array, from: number, n: number): void {
    if (this.#concealed === 0 && !this.#silent) this.#begin()
    for (let at = from; at < from + n; ) {
      if (this.exhausted) {
        frame.fill(0, at, from + n)
        break
      }
      const samples = Math.min(from + n - at, STEP - (this.#concealed % STEP))
      this.#fillStep(frame, at, samples)
      at += samples
    }
    this.#remember(frame, from, n)
  }

  #remember(frame: Int16Array, from: number, n: number): void {
    const history = this.#history
    const keep = Math.min(n, HISTORY)
    if (keep < HISTORY) history.copyWithin(0, keep)
    for (let to = HISTORY - keep, at = from + n - keep; to < HISTORY; ) history[to++] = frame[at++] ?? 0
  }

  #begin(): void {
    this.#period = findPeriod(this.#history)
    this.#cycle.set(this.#history)
    this.#end.set(this.#history.subarray(HISTORY - MAX_OVERLAP))
    this.#at = 0
    this.#takePeriods(1)
  }

  get #overlap(): number {
    return this.#period >> 2
  }

  /** I.2.3: the end of the cycle is overlapped with the samples before its beginning, so that it can be repeated. */
  #takePeriods(periods: number): void {
    const overlap = this.#overlap
    const before = HISTORY - periods * this.#period - overlap
    for (let i = 0; i < overlap; i++) {
      const own = this.#end[MAX_OVERLAP - overlap + i] ?? 0
      this.#cycle[HISTORY - overlap + i] = mix(own, this.#cycle[before + i] ?? 0, (i + 1) / overlap)
    }
    this.#periods = periods
  }

  #next(): number {
    const length = this.#periods * this.#period
    const sample = this.#cycle[HISTORY - length + this.#at] ?? 0
    if (++this.#at >= length) this.#at = 0
    return sample
  }

  /** Conceals a part of one step of 10 ms; within a step only the gain changes. */
  #fillStep(frame: Int16Array, from: number, n: number): void {
    const widens = this.#concealed === STEP * this.#periods && this.#periods < MAX_PERIODS
    const overlap = widens ? this.#widen() : 0
    const jump = this.#concealed === 0 ? this.#jumpAtStart() : 0
    for (let i = 0; i < n; i++) {
      let sample = this.#next()
      if (i < overlap) sample = mix(overlapped[i] ?? 0, sample, (i + 1) / overlap)
      if (jump !== 0 && i < this.#overlap) sample += jump * (1 - i / this.#overlap)
      frame[from + i] = clamp(sample * this.#gain)
      this.#concealed++
    }
  }

  /** The step between the last received sample and the one before the cycle; a ramp removes it in place of an overlap. */
  #jumpAtStart(): number {
    return (this.#history[HISTORY - 1] ?? 0) - (this.#cycle[HISTORY - this.#period - 1] ?? 0)
  }

  /** I.2.5: adds a period and keeps the position within it; returns the length of the overlap with the old cycle. */
  #widen(): number {
    const at = this.#at
    for (let i = 0; i < this.#overlap; i++) overlapped[i] = this.#next()
    this.#takePeriods(this.#periods + 1)
    this.#at = at % this.#period
    return this.#overlap
  }

  /** I.2.6: after the first 10 ms the gain falls by a fifth every 10 ms. */
  get #gain(): number {
    return this.#concealed < STEP ? 1 : Math.max(0, 1 - (this.#concealed - STEP) * FADE_PER_SAMPLE)
  }

  /** I.2.7. */
  #recover(frame: Int16Array, from: number, n: number): void {
    const steps = Math.ceil(this.#concealed / STEP)
    const overlap = Math.min(n, STEP, this.#overlap + (steps - 1) * RECOVERY_PER_STEP)
    const gain = this.#gain
    for (let i = 0; i < overlap; i++) {
      const concealed = gain === 0 ? 0 : this.#next() * gain
      frame[from + i] = mix(concealed, frame[from + i] ?? 0, (i + 1) / overlap)
    }
  }
}

const mix = (from: number, to: number, weight: number): number => from + (to - from) * weight

const clamp = (sample: number): number => Math.max(-32768, Math.min(32767, sample))
