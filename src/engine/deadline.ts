import type { Clock } from '../base/clock.js'

/** Waits for a promise at most `ms`. False if the time is over or the promise rejects; the work behind it continues. */
export async function within(ms: number, promise: Promise<unknown>, clock: Clock): Promise<boolean> {
  let cancel = () => {}
  const timeUp = new Promise<false>((resolve) => {
    const timer = clock.setTimeout(() => resolve(false), ms)
    cancel = () => timer.cancel()
  })
  const done = promise.then(
    () => true,
    () => false,
  )
  return Promise.race([done, timeUp]).finally(cancel)
}
