import assert from 'node:assert/strict'
import { RecentSet } from '../../../src/base/recent-set.js'

describe('a set of the last values', () => {
  it('never holds more than its limit: the oldest makes room', () => {
    const set = new RecentSet<number>(3)
    for (let n = 0; n < 100; n++) assert.equal(set.add(n), true)
    assert.deepEqual([...set.values()], [97, 98, 99])
    assert.deepEqual([set.size, set.has(96), set.has(97)], [3, false, true])
  })

  it('takes a value that is added again for a new one', () => {
    const set = new RecentSet<string>(2)
    set.add('a')
    set.add('b')
    assert.equal(set.add('a'), false)
    set.add('c')
    assert.deepEqual([...set.values()], ['a', 'c'])
  })
})
