import type { Clock } from '../base/clock.js'

/** Waits for something, but not longer: false where time was up or it failed. What is too late goes on by itself. */
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
