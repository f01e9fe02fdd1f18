import { type Clock, systemClock } from '../../src/base/clock.js'

/** The system's clock, so many times as fast. */
export const scaledClock = (speed: number): Clock => ({
  now: () => systemClock.now() * speed,
  wall: () => systemClock.wall(),
  setTimeout: (run, ms) => systemClock.setTimeout(run, ms / speed),
})
