import { TelephonyError } from '../base/errors.js'
import type { Engine, EngineEvents } from '../engine/protocol.js'
import { endsBySound, perform, type SoundPlan, startRecording, transfer } from './sound.js'

type CallEvent = EngineEvents['call']

interface Performance {
  /** Number of the call in this run, from 1. */
  nth: number
  /** Started by the first sound, so that early media is recorded too. */
  recording?: Promise<void>
  hangUpTimer?: NodeJS.Timeout
  /** Aborted when the call has ended. */
  over: AbortController
  failure?: TelephonyError
}

/** Performs the plan on each call: records, plays, presses keys, holds, and hangs up when that is done or the time is over. */
export class Performer {
  readonly #engine: Engine
  readonly #plan: SoundPlan
  readonly #performances = new Map<string, Performance>()
  #calls = 0

  constructor(engine: Engine, plan: SoundPlan) {
    this.#engine = engine
    this.#plan = plan
  }

  /** Receives every event of every call. */
  hear({ type, callId }: CallEvent): void {
    if (type === 'call.early') void this.#attempt(callId, (performance) => this.#record(callId, performance))
    if (type === 'call.answered') void this.#attempt(callId, (performance) => this.#perform(callId, performance))
  }

  /** Returns the error of the plan, and forgets the call. Call it once, when the call has ended. */
  takeFailure(callId: string): TelephonyError | undefined {
    const performance = this.#performances.get(callId)
    clearTimeout(performance?.hangUpTimer)
    performance?.over.abort()
    this.#performances.delete(callId)
    return performance?.failure
  }

  async #attempt(callId: string, step: (performance: Performance) => Promise<void>): Promise<void> {
    const performance = this.#performances.get(callId) ?? { nth: ++this.#calls, over: new AbortController() }
    this.#performances.set(callId, performance)
    try {
      await step(performance)
    } catch (thrown) {
      const error = TelephonyError.from(thrown)
      // The end of a call has its own reason.
      if (error.code === 'CALL_ENDED') return
      performance.failure ??= error
      this.#hangUp(callId)
    }
  }

  #record(callId: string, performance: Performance): Promise<void> {
    performance.recording ??= startRecording(this.#engine, callId, this.#plan, performance.nth)
    return performance.recording
  }

  async #perform(callId: string, performance: Performance): Promise<void> {
    const { durationMs } = this.#plan
    if (durationMs !== undefined) performance.hangUpTimer = setTimeout(() => this.#hangUp(callId), durationMs)
    await this.#record(callId, performance)
    await perform(this.#engine, callId, this.#plan, performance.over.signal)
    if (this.#plan.transferTo !== undefined) await transfer(this.#engine, callId, this.#plan.transferTo)
    if (durationMs === undefined && endsBySound(this.#plan)) this.#hangUp(callId)
  }

  #hangUp(callId: string): void {
    this.#engine.call('hangup', { callId }).catch(() => {}) // the call has already ended
  }
}
