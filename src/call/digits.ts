import { MAX_GATHER_DIGITS } from '../base/limits.js'
import type { SipBody } from '../sip/types.js'

/** Digits that no gather has read yet: pressed while a prompt plays, kept for the next gather. */
export class DigitBuffer {
  #digits: string[] = []
  #onDigit: (() => void) | undefined

  push(digit: string): void {
    // Further digits replace the oldest ones.
    if (this.#digits.length >= MAX_GATHER_DIGITS) this.#digits.shift()
    this.#digits.push(digit)
    this.#onDigit?.()
  }

  shift(): string | undefined {
    return this.#digits.shift()
  }

  clear(): void {
    this.#digits = []
  }

  /** True while a gather or a wait reads the digits. */
  get isRead(): boolean {
    return this.#onDigit !== undefined
  }

  /** Sets the only reader: the gather or the wait that runs. */
  read(onDigit: (() => void) | undefined): void {
    this.#onDigit = onDigit
  }
}

export type DigitPath = 'rtp' | 'info'

/** Some peers send each digit both ways; the second copy comes within this time. */
const SAME_DIGIT_MS = 500
/** A telephone-event is reported when its key is released, an INFO may come when it is pressed. No key is held for longer. */
const MAX_HELD_MS = 10_000

/** Drops the copy of a digit that came by the other path. Digits of one path are never copies of each other. */
export class DigitMerge {
  /** Accepted digits whose copy has not come. */
  #unmatched: { digit: string; path: DigitPath; atMs: number }[] = []

  /** False for the copy of an accepted digit. */
  accept(digit: string, durationMs: number, path: DigitPath, nowMs: number): boolean {
    const heldMs = path === 'rtp' ? Math.min(durationMs, MAX_HELD_MS) : 0
    const sinceMs = nowMs - heldMs - SAME_DIGIT_MS
    this.#unmatched = this.#unmatched.filter(({ atMs }) => nowMs - atMs <= MAX_HELD_MS + SAME_DIGIT_MS)
    const copy = this.#unmatched.findIndex(
      (taken) => taken.digit === digit && taken.path !== path && taken.atMs >= sinceMs,
    )
    if (copy >= 0) this.#unmatched.splice(copy, 1)
    else this.#unmatched.push({ digit, path, atMs: nowMs })
    return copy < 0
  }
}

const DEFAULT_INFO_MS = 160
const DIGIT = /^[0-9A-Da-d*#]$/

/** The digit of an INFO: `application/dtmf-relay` (Signal=5, Duration=160) or `application/dtmf` (5). Not in any RFC, but many phones send it. */
export function digitOfInfo(body: SipBody | undefined): { digit: string; durationMs: number } | undefined {
  if (!body || body.content.length > 200) return undefined
  const type = body.contentType.split(';')[0]?.trim().toLowerCase()
  if (type === 'application/dtmf') return digitOf(body.content, undefined)
  if (type !== 'application/dtmf-relay') return undefined
  const signal = /^\s*Signal\s*=\s*(\S+)\s*$/im.exec(body.content)?.[1]
  return digitOf(signal ?? '', /^\s*Duration\s*=\s*(\d{1,5})\s*$/im.exec(body.content)?.[1])
}

function digitOf(signal: string, duration: string | undefined): { digit: string; durationMs: number } | undefined {
  const named = signal.trim()
  // Some phones send RFC 4733's event numbers: 10 is *, 11 is #.
  const digit = named === '10' ? '*' : named === '11' ? '#' : named.toUpperCase()
  return DIGIT.test(digit) ? { digit, durationMs: Number(duration ?? DEFAULT_INFO_MS) } : undefined
}
