import type { Clock, Timer } from '../base/clock.js'

interface IdleWatchDeps {
  clock: Clock
  /** Whether an action is in progress: a play, digits, a recording, a gather, a hold. */
  busy: () => boolean
  /** The call ends in `leftSec` unless a node acts. */
  warn: (idleSec: number, leftSec: number) => void
  abandon: (idleSec: number) => void
}

/** Long enough for a flow, or an operator, to act. */
const WARNING_MS = 60_000

/**
 * Ends an answered call in which no node acts: with an unwired output the call would cost money until the peer hangs up. Commands,
 * digits and other events of the call restart the time; the timer continues, because most calls end long before it fires.
 */
export class IdleWatch {
  readonly #deps: IdleWatchDeps
  readonly #limitMs: number
  /** The call ends so long after the warning. */
  readonly #warningMs: number
  #touchedMs: number
  #isWarned = false
  #timer: Timer | undefined

  constructor(deps: IdleWatchDeps, limitMs: number) {
    this.#deps = deps
    this.#limitMs = limitMs
    this.#warningMs = Math.min(WARNING_MS, limitMs / 2)
    this.#touchedMs = deps.clock.now()
    this.#wait(limitMs - this.#warningMs)
  }

  /** Restarts the time. */
  touch(): void {
    this.#touchedMs = this.#deps.clock.now()
    this.#isWarned = false
  }

  /** Idempotent. */
  stop(): void {
    this.#timer?.cancel()
  }

  #wait(ms: number): void {
    this.#timer = this.#deps.clock.setTimeout(() => this.#check(), ms)
  }

  #check(): void {
    const { clock, busy, warn, abandon } = this.#deps
    if (busy()) this.touch()
    const idleMs = clock.now() - this.#touchedMs
    const calmMs = this.#limitMs - this.#warningMs
    const leftMs = (this.#isWarned ? this.#limitMs : calmMs) - idleMs
    if (leftMs >= 1) {
      this.#wait(leftMs)
    } else if (this.#isWarned) {
      abandon(inSeconds(this.#limitMs))
    } else {
      this.#isWarned = true
      this.#wait(this.#warningMs)
      warn(inSeconds(calmMs), inSeconds(this.#warningMs))
    }
  }
}

const inSeconds = (ms: number): number => Math.round(ms / 1000)
