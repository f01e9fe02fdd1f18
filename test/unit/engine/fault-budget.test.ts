import assert from 'node:assert/strict'
import { FaultBudget } from '../../../src/engine/fault-budget.js'
import { FakeClock } from '../../support/fake-clock.js'

describe('fault budget', () => {
  it('lives with some faults in a minute, not with more', () => {
    const clock = new FakeClock()
    const budget = new FaultBudget({ clock }, { perMinute: 2 })
    assert.deepEqual([budget.take(), budget.take(), budget.take()], [true, true, false])
    clock.advance(60_000)
    assert.equal(budget.take(), true)
  })
})
