import type { Clock, Timer } from '../../base/clock.js'

/** A call that is driven with one step per interval. */
export interface Paced {
  tick(nowMs: number, lateMs: number): void
  /** Reports intervals without a step because the thread was blocked: time advances, nothing is sent for them. */
  skip(intervals: number, nowMs: number): void
}

const SLOT_MS = 5
/** 24 slots of 5 ms: 120 ms are a multiple of every interval below. */
const SLOTS = 24
export const INTERVALS_MS = [10, 20, 30, 40, 60] as const
/** After a shorter block of the thread, due packets are sent late; a jitter buffer plays them without a gap. */
const STALL_MS = 60
/** After a stall each call sends at most one packet: steps this late are skipped, because their packets would form a burst. */
const SKIP_AFTER_MS = 20

/**
 * Steps all calls of a worker. The calls are spread over slots of 5 ms, so that they do not all send at once. Due times count
 * from the first one, so that delays of timers do not accumulate.
 */
export class Pacer {
  readonly #clock: Clock
  readonly #slots: Paced[][] = Array.from({ length: SLOTS }, () => [])
  #timer: Timer | undefined
  #slot = 0
  #dueMs = 0
  #count = 0
  maxLateMs = 0

  constructor(deps: { clock: Clock }) {
    this.#clock = deps.clock
  }

  /** Returns the function that removes the call. `intervalMs` is one of INTERVALS_MS. */
  add(paced: Paced, intervalMs: number): () => void {
    const stride = intervalMs / SLOT_MS
    const loads = this.#slots.slice(0, stride).map((slot) => slot.length)
    const phase = loads.indexOf(Math.min(...loads))
    const own = this.#slots.filter((_, i) => i % stride === phase)
    for (const slot of own) slot.push(paced)
    if (this.#count++ === 0) this.#start()
    let removed = false
    return () => {
      if (removed) return
      removed = true
      for (const slot of own) slot.splice(slot.indexOf(paced), 1)
      if (--this.#count === 0) this.#timer?.cancel()
    }
  }

  #start(): void {
    this.#dueMs = this.#clock.now() + SLOT_MS
    this.#schedule()
  }

  #schedule(): void {
    const delayMs = Math.max(1, Math.floor(this.#dueMs - this.#clock.now()))
    this.#timer = this.#clock.setTimeout(() => this.#run(), delayMs)
  }

  #run(): void {
    const nowMs = this.#clock.now()
    const skipAfterMs = nowMs - this.#dueMs >= STALL_MS ? SKIP_AFTER_MS : STALL_MS
    this.#skipTurns(nowMs)
    while (this.#dueMs <= nowMs) {
      const lateMs = nowMs - this.#dueMs
      if (lateMs > this.maxLateMs) this.maxLateMs = lateMs
      // From the end, so that a call that removes itself does not shift the remaining ones.
      const due = this.#slots[this.#slot] ?? []
      for (let i = due.length - 1; i >= 0; i--) {
        const paced = due[i]
        if (lateMs >= skipAfterMs) paced?.skip(1, nowMs)
        else paced?.tick(nowMs, lateMs)
      }
      this.#slot = (this.#slot + 1) % SLOTS
      this.#dueMs += SLOT_MS
    }
    if (this.#count > 0) this.#schedule()
  }

  /** After a long stall (a machine that slept) whole turns are skipped at once. */
  #skipTurns(nowMs: number): void {
    const turns = Math.floor((nowMs - this.#dueMs - SKIP_AFTER_MS) / (SLOTS * SLOT_MS))
    if (turns < 1) return
    this.maxLateMs = Math.max(this.maxLateMs, nowMs - this.#dueMs)
    this.#dueMs += turns * SLOTS * SLOT_MS
    const slotsOf = new Map<Paced, number>()
    for (const slot of this.#slots) for (const paced of slot) slotsOf.set(paced, (slotsOf.get(paced) ?? 0) + 1)
    for (const [paced, perTurn] of slotsOf) paced.skip(perTurn * turns, nowMs)
  }
}
