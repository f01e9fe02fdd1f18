import type { Clock, Timer } from '../base/clock.js'
import { deferred } from '../base/deferred.js'
import { TelephonyError } from '../base/errors.js'
import { MAX_GATHER_DIGITS } from '../base/limits.js'
import type { DigitBuffer } from './digits.js'
import type { GatherResult, GatherRules } from './types.js'

/** The part of a playing prompt that a gather uses. */
export interface PromptPlayback {
  ended: Promise<unknown>
  stop(): void
}

interface GatherDeps {
  clock: Clock
  digits: DigitBuffer
  /** Starts the prompt; undefined without a prompt. */
  prompt: (() => PromptPlayback) | undefined
}

/**
 * Takes digits from the call's buffer until there are enough, a terminator comes or the time is over.
 * With barge-in a digit stops the prompt (and a digit in the buffer prevents it from starting);
 * otherwise digits stay in the buffer until the prompt has ended. Unused digits stay there for the next gather.
 */
export class Gather {
  readonly #deps: GatherDeps
  readonly #rules: GatherRules
  readonly #result = deferred<GatherResult>()
  #digits = ''
  #prompt: PromptPlayback | undefined
  #timer: Timer | undefined
  #isPaused = false
  #done = false

  /** Throws BAD_ARGUMENT. */
  constructor(deps: GatherDeps, rules: GatherRules) {
    checkGather(rules)
    this.#deps = deps
    this.#rules = rules
  }

  get result(): Promise<GatherResult> {
    return this.#result.promise
  }

  start(): void {
    const { digits, prompt } = this.#deps
    const { bargeIn, clearBuffer } = this.#rules
    if (clearBuffer) digits.clear()
    digits.read(() => this.#onDigit())
    if (bargeIn || !prompt) this.#takeDigits()
    if (this.#done) return
    if (!prompt || this.#digits !== '') this.#arm()
    else this.#play(prompt)
  }

  /** We hold the call: no time passes until `resume`; digits still count. */
  pause(): void {
    this.#isPaused = true
    this.#timer?.cancel()
  }

  /** The wait for the next digit begins again. */
  resume(): void {
    this.#isPaused = false
    if (!this.#done && !this.#prompt) this.#arm()
  }

  /** The call has ended. */
  hangup(): void {
    this.#finish('hangup')
  }

  #play(start: () => PromptPlayback): void {
    const prompt = start()
    this.#prompt = prompt
    prompt.ended.then(
      () => {
        if (this.#prompt !== prompt || this.#done) return
        this.#prompt = undefined
        this.#takeDigits()
        if (!this.#done) this.#arm()
      },
      (error: unknown) => {
        this.#settle()
        this.#result.reject(error)
      },
    )
  }

  #onDigit(): void {
    if (this.#prompt && !this.#rules.bargeIn) return
    const before = this.#digits.length
    this.#takeDigits()
    if (this.#done || this.#digits.length === before) return
    this.#stopPrompt()
    this.#arm()
  }

  #takeDigits(): void {
    const { accept, maxDigits, minDigits, terminators } = this.#rules
    while (!this.#done) {
      const digit = this.#deps.digits.shift()
      if (digit === undefined) return
      if (terminators.includes(digit)) {
        this.#finish(this.#digits.length < minDigits ? 'no-input' : 'terminator', digit)
      } else if (accept === '' || accept.includes(digit)) {
        this.#digits += digit
        if (this.#digits.length >= maxDigits) this.#finish('max-digits')
      }
    }
  }

  /** The time before the first digit differs from the time between two digits. */
  #arm(): void {
    const { firstDigitMs, interDigitMs, minDigits } = this.#rules
    this.#timer?.cancel()
    if (this.#isPaused) return
    this.#timer = this.#deps.clock.setTimeout(
      () => this.#finish(this.#digits.length < Math.max(1, minDigits) ? 'no-input' : 'timeout'),
      this.#digits === '' ? firstDigitMs : interDigitMs,
    )
  }

  #stopPrompt(): void {
    const prompt = this.#prompt
    this.#prompt = undefined
    prompt?.stop()
  }

  #finish(ended: GatherResult['ended'], terminator = ''): void {
    if (this.#done) return
    this.#settle()
    this.#stopPrompt()
    this.#result.resolve({ digits: this.#digits, terminator, ended })
  }

  #settle(): void {
    this.#done = true
    this.#timer?.cancel()
    this.#deps.digits.read(undefined)
  }
}

function checkGather(rules: GatherRules): void {
  const { minDigits, maxDigits, firstDigitMs, interDigitMs } = rules
  const sound =
    Number.isInteger(minDigits) &&
    Number.isInteger(maxDigits) &&
    minDigits >= 0 &&
    maxDigits >= 1 &&
    minDigits <= maxDigits &&
    maxDigits <= MAX_GATHER_DIGITS &&
    firstDigitMs >= 0 &&
    interDigitMs >= 0
  if (!sound) {
    throw new TelephonyError(
      'BAD_ARGUMENT',
      `the number of digits or the times of the gather are not valid. Use 0 <= minDigits <= maxDigits <= ${MAX_GATHER_DIGITS} and times of 0 ms or more`,
    )
  }
}
