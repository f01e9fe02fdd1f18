import type { Clock } from './clock.js'

/** Waits for a promise at most `ms`. False if the time is over or the promise rejects; the work behind it continues. */
export function within(ms: number, promise: Promise<unknown>, clock: Clock): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = clock.setTimeout(() => resolve(false), ms)
    const settle = (result: boolean) => {
      timer.cancel()
      resolve(result)
    }
    promise.then(
      () => settle(true),
      () => settle(false),
    )
  })
}
