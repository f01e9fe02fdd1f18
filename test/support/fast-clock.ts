import { type Clock, systemClock } from '../../src/base/clock.js'

/** A clock on which all goes so many times as fast. */
export function fastClock(speed: number): Clock {
  const originMs = systemClock.wall()
  const startMs = systemClock.now()
  return {
    now: () => systemClock.now() * speed,
    wall: () => originMs + (systemClock.now() - startMs) * speed,
    setTimeout: (run, ms) => systemClock.setTimeout(run, ms / speed),
  }
}
