import type { Clock, Timer } from '../base/clock.js'
import type { CallEvent } from './call-event.js'

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
 * digits and other events of the call restart the time.
 */
export class IdleWatch {
  readonly #deps: IdleWatchDeps
  readonly #limitMs: number
  #timer: Timer | undefined
  #isOn = false

  /** `limitMs` 0: never. */
  constructor(deps: IdleWatchDeps, limitMs: number) {
    this.#deps = deps
    this.#limitMs = limitMs
  }

  hear({ type }: CallEvent): void {
    if (type === 'call.idle') return
    if (type === 'call.answered') this.#isOn = this.#limitMs > 0
    if (type === 'call.ended') this.stop()
    this.touch()
  }

  /** Restarts the time. */
  touch(): void {
    if (!this.#isOn) return
    const warningMs = Math.min(WARNING_MS, this.#limitMs / 2)
    this.#wait(this.#limitMs - warningMs, () => {
      this.#deps.warn(inSeconds(this.#limitMs - warningMs), inSeconds(warningMs))
      this.#wait(warningMs, () => this.#deps.abandon(inSeconds(this.#limitMs)))
    })
  }

  /** Idempotent. */
  stop(): void {
    this.#isOn = false
    this.#timer?.cancel()
  }

  #wait(ms: number, over: () => void): void {
    this.#timer?.cancel()
    this.#timer = this.#deps.clock.setTimeout(() => (this.#deps.busy() ? this.touch() : over()), ms)
  }
}

const inSeconds = (ms: number): number => Math.round(ms / 1000)
