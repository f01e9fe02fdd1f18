/** Waits for one thing in a call: a digit, the answer, silence, the end of its media or its own end. */
import type { Clock } from '../base/clock.js'
import { deferred } from '../base/deferred.js'
import { TelephonyError } from '../base/errors.js'
import type { CallSound } from './call-sound.js'
import type { DigitBuffer } from './digits.js'
import type { Call, WaitFor, WaitResult } from './types.js'

/** One day. */
const MAX_WAIT_MS = 86_400_000

interface WaitDeps {
  clock: Clock
  call: Pick<Call, 'answered' | 'ended'>
  isEnding: () => boolean
  digits: DigitBuffer
  /** Set for `silence` and `media-end`. */
  sound: CallSound | undefined
}

/** Resolves once, with the first of: it has happened, the time is up, the call has ended. Throws BAD_ARGUMENT. */
export function waitInCall(deps: WaitDeps, what: WaitFor, limitMs: number): Promise<WaitResult> {
  check(what, limitMs)
  const result = deferred<WaitResult>()
  let isOver = false
  let stop: (() => void) | undefined
  const settle = (outcome: WaitResult['outcome'], digit = '') => {
    if (isOver) return
    isOver = true
    timer.cancel()
    stop?.()
    result.resolve({ outcome, digit })
  }
  const timer = deps.clock.setTimeout(() => settle('timeout'), limitMs)
  void deps.call.ended.then(() => settle(what.kind === 'end' ? 'happened' : 'call-ended'))
  stop = begin(deps, what, (digit) => settle('happened', digit))
  if (isOver) stop?.()
  return result.promise
}

/** Returns a function that ends the watch, if there is one to end. */
function begin(
  { call, isEnding, digits, sound }: WaitDeps,
  what: WaitFor,
  happened: (digit?: string) => void,
): (() => void) | undefined {
  switch (what.kind) {
    case 'digit':
      return takeDigit(digits, what.accept, happened)
    case 'silence':
      return sound?.watchLull(what.quietMs, () => happened())
    case 'media-end':
      void sound?.idle('await').then(() => !isEnding() && happened())
      return undefined
    case 'answer':
      void call.answered().then((isAnswered) => isAnswered && happened())
      return undefined
    case 'end':
      return undefined
  }
}

/** Digits that are not in `accept` are dropped, as a gather does. */
function takeDigit(digits: DigitBuffer, accept: string, happened: (digit: string) => void): () => void {
  const take = () => {
    for (let digit = digits.shift(); digit !== undefined; digit = digits.shift()) {
      if (accept === '' || accept.includes(digit)) return happened(digit)
    }
  }
  digits.read(take)
  take()
  return () => digits.read(undefined)
}

function check(what: WaitFor, limitMs: number): void {
  const times = what.kind === 'silence' ? [limitMs, what.quietMs] : [limitMs]
  if (times.every((ms) => ms > 0 && ms <= MAX_WAIT_MS)) return
  throw new TelephonyError('BAD_ARGUMENT', `the times of the wait are not valid. Use up to ${MAX_WAIT_MS} ms`)
}
