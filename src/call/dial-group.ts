/** Several targets for one purpose, called at once or in order. The first one that counts as answered wins; the others end as completed elsewhere. */
import type { Clock } from '../base/clock.js'
import { deferred } from '../base/deferred.js'
import { TelephonyError } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import type { ToPlay } from '../media/client.js'
import type { CallEnd } from './call-event.js'
import { bestEnd, type GroupAttempt } from './group-end.js'
import { COMPLETED_ELSEWHERE } from './reason.js'
import type { Call, HangupInit } from './types.js'

export interface GroupTarget {
  target: string
  /** Pressed after the answer, such as `,,123#`: to reach a person behind an exchange. */
  digits?: string
  /** Wait before this target is called: from the beginning, or in order from the end of the one before. */
  delayMs?: number
  /** How long it may ring. Absent: as long as the account says. */
  ringTimeoutMs?: number
}

/** A call counts as answered only when this key is pressed: a mailbox does not press it. */
export interface GroupConfirm {
  digit: string
  prompt?: ToPlay
  timeoutMs: number
}

export interface GroupResult {
  /** The call that won; null if none did. */
  callId: string | null
  /** How the group ended if no call won: by RFC 3261 16.7 6 the best of all ends. */
  end: CallEnd | null
  attempts: GroupAttempt[]
}

interface DialGroupDeps {
  clock: Clock
  log: Logger
  place(target: GroupTarget): Promise<Call>
}

interface DialGroupInit {
  targets: readonly GroupTarget[]
  strategy: 'all' | 'in-order'
  confirm: GroupConfirm | undefined
}

export class DialGroup {
  readonly #deps: DialGroupDeps
  readonly #init: DialGroupInit
  readonly #attempts: GroupAttempt[]
  /** Calls that have neither won nor ended. */
  readonly #legs = new Set<Call>()
  /** Resolves when a call has won, or when the group is cancelled. */
  readonly #over = deferred<void>()
  #winner: { call: Call; digits: Promise<unknown> } | undefined
  #cancelled: string | undefined

  constructor(deps: DialGroupDeps, init: DialGroupInit) {
    this.#deps = deps
    this.#init = init
    this.#attempts = init.targets.map(({ target }) => ({ target, callId: null, outcome: 'not-dialled', end: null }))
  }

  /** Rejects with the error of the first target if no call could be placed at all. */
  async run(): Promise<GroupResult> {
    const all = this.#init.strategy === 'all' ? this.#dialAll() : this.#dialInOrder()
    await Promise.race([all, this.#over.promise])
    if (!this.#winner) await all
    await this.#winner?.digits
    const attempts = this.#attempts.map((attempt) => ({ ...attempt }))
    if (this.#winner) return { callId: this.#winner.call.id, end: null, attempts }
    const reason = this.#cancelled
    if (reason !== undefined)
      return { callId: null, end: { by: 'local', cause: 'cancelled', sipCode: null, reason }, attempts }
    const end = bestEnd(attempts)
    if (end) return { callId: null, end, attempts }
    const { code, message } = attempts[0]?.error ?? { code: 'INTERNAL', message: 'no target was called' }
    throw new TelephonyError(code, message)
  }

  /** Ends the calls that have not won; no further target is called. No effect after a call has won. */
  cancel(reason: string): void {
    if (this.#isOver) return
    this.#cancelled = reason
    this.#finish()
  }

  get #isOver(): boolean {
    return this.#winner !== undefined || this.#cancelled !== undefined
  }

  async #dialAll(): Promise<void> {
    await Promise.all(this.#init.targets.map((target, index) => this.#dial(target, index)))
  }

  async #dialInOrder(): Promise<void> {
    for (const [index, target] of this.#init.targets.entries()) {
      if (this.#isOver) return
      await this.#dial(target, index)
    }
  }

  /** Resolves when the call has won, or has ended. */
  async #dial(target: GroupTarget, index: number): Promise<void> {
    const attempt = this.#attempts[index]
    await this.#pause(target.delayMs ?? 0)
    if (!attempt || this.#isOver) return
    const call = await this.#place(target, attempt)
    if (!call) return
    this.#legs.add(call)
    if (this.#isOver) this.#release(call)
    if ((await call.answered()) && (await this.#counts(call, target, attempt))) return
    attempt.end = await call.ended
    this.#legs.delete(call)
    if (attempt.outcome !== 'not-confirmed') attempt.outcome = this.#winner ? 'elsewhere' : 'failed'
    // A hangup of one ringing call means that the user gives up.
    const { by, cause, reason } = attempt.end
    if (by === 'local' && cause === 'cancelled') this.cancel(reason)
  }

  async #place(target: GroupTarget, attempt: GroupAttempt): Promise<Call | undefined> {
    try {
      const call = await this.#deps.place(target)
      attempt.callId = call.id
      attempt.outcome = 'calling'
      return call
    } catch (error) {
      this.#deps.log.info({ err: error, target: target.target }, 'a target of a group could not be called')
      attempt.error = TelephonyError.from(error).toPlain()
      return undefined
    }
  }

  /** True if the answered call wins. */
  async #counts(call: Call, { digits }: GroupTarget, attempt: GroupAttempt): Promise<boolean> {
    const { confirm } = this.#init
    if (this.#isOver) return false
    if (!confirm) {
      // Without a key to press the call has won, and the others need not ring while the digits are sent.
      this.#win(call, attempt, this.#press(call, digits))
      return true
    }
    await this.#press(call, digits)
    const isConfirmed = !this.#isOver && (await this.#confirmed(call, confirm))
    if (this.#isOver) return false
    if (isConfirmed) {
      this.#win(call, attempt, Promise.resolve())
      return true
    }
    attempt.outcome = 'not-confirmed'
    await call.hangup({ reason: 'the call was not confirmed' })
    return false
  }

  /** Rejects never: a call that ends meanwhile says so by its end. */
  async #press(call: Call, digits: string | undefined): Promise<void> {
    if (digits === undefined) return
    try {
      await call.sendDigits(digits)
    } catch (error) {
      this.#deps.log.warn({ err: error, callId: call.id }, 'the digits of a target could not be sent')
    }
  }

  async #confirmed(call: Call, { digit, prompt, timeoutMs }: GroupConfirm): Promise<boolean> {
    const times = { firstDigitMs: timeoutMs, interDigitMs: timeoutMs }
    const rules = { bargeIn: true, minDigits: 1, maxDigits: 1, terminators: '', accept: digit, clearBuffer: true }
    try {
      return (await call.gather({ ...rules, ...times }, prompt)).digits === digit
    } catch (error) {
      this.#deps.log.warn({ err: error, callId: call.id }, 'a call of a group could not ask for its confirmation')
      return false
    }
  }

  #win(call: Call, attempt: GroupAttempt, digits: Promise<unknown>): void {
    attempt.outcome = 'answered'
    this.#winner = { call, digits }
    this.#legs.delete(call)
    this.#finish()
  }

  #finish(): void {
    this.#over.resolve()
    for (const call of this.#legs) this.#release(call)
  }

  /** RFC 3326 2: the telephones of the others show no missed call if another one was answered. */
  #release(call: Call): void {
    const how: HangupInit = this.#winner
      ? { elsewhere: true, reason: COMPLETED_ELSEWHERE }
      : { reason: this.#cancelled ?? 'cancelled' }
    void call.hangup(how)
  }

  #pause(ms: number): Promise<void> {
    if (ms <= 0) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = this.#deps.clock.setTimeout(resolve, ms)
      void this.#over.promise.then(() => {
        timer.cancel()
        resolve()
      })
    })
  }
}
