import assert from 'node:assert/strict'
import { backoffMs } from '../../../src/base/backoff.js'

const init = { baseMs: 30_000, maxMs: 300_000, floor: 0.5 }

describe('backoff', () => {
  it('doubles up to its maximum, between floor and all of it', () => {
    const least = (min: number) => min
    const most = (_min: number, max: number) => max
    assert.deepEqual(
      [0, 1, 2, 3, 4, 5].map((n) => backoffMs(init, n, most)),
      [30_000, 60_000, 120_000, 240_000, 300_000, 300_000],
    )
    assert.deepEqual(
      [0, 1, 5].map((n) => backoffMs(init, n, least)),
      [15_000, 30_000, 150_000],
    )
  })

  it('stays at its maximum however often it failed', () => {
    assert.equal(
      backoffMs(init, 1e6, (_min, max) => max),
      300_000,
    )
  })
})
