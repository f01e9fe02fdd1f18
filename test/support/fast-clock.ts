import { Timers } from 'sip.js/lib/core/index.js'
import { type Clock, systemClock } from '../../src/base/clock.js'

/** A clock on which all goes so many times as fast; sip.js' own timers of this process too. */
export function hurrySip(speed: number): Clock {
  for (const [name, ms] of Object.entries(Timers)) Object.assign(Timers, { [name]: ms / speed })
  const originMs = systemClock.wall()
  const startMs = systemClock.now()
  return {
    now: () => systemClock.now() * speed,
    wall: () => originMs + (systemClock.now() - startMs) * speed,
    setTimeout: (run, ms) => systemClock.setTimeout(run, ms / speed),
  }
}
