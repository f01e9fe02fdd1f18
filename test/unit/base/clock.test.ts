import assert from 'node:assert/strict'
import { systemClock } from '../../../src/base/clock.js'

describe('the system’s clock', () => {
  it('waits long where setTimeout would not: above 2^31 ms that fires at once', async () => {
    const fired: string[] = []
    const timers = [2 ** 31, 1e15, Number.MAX_SAFE_INTEGER].map((ms) =>
      systemClock.setTimeout(() => fired.push(String(ms)), ms),
    )
    await new Promise<void>((resolve) => systemClock.setTimeout(resolve, 20))
    for (const timer of timers) timer.cancel()
    assert.deepEqual(fired, [])
  })

  it('does not go back, and takes a wait of less than nothing for none', async () => {
    const before = systemClock.now()
    await new Promise<void>((resolve) => systemClock.setTimeout(resolve, -5))
    assert.ok(systemClock.now() >= before)
  })
})
