import assert from 'node:assert/strict'
import { RecentMap } from '../../../src/base/recent-map.js'

describe('a map of the last entries', () => {
  it('never holds more than its limit: the oldest entry makes room', () => {
    const map = new RecentMap<number, string>(3)
    for (let n = 0; n < 100; n++) map.set(n, `value ${n}`)
    assert.deepEqual([...map.values()], ['value 97', 'value 98', 'value 99'])
    assert.deepEqual([map.size, map.get(96), map.get(97)], [3, undefined, 'value 97'])
  })

  it('takes an entry that is set again for a new one, and forgets one that is deleted', () => {
    const map = new RecentMap<string, number>(2)
    map.set('a', 1)
    map.set('b', 2)
    map.set('a', 3)
    map.set('c', 4)
    assert.deepEqual([...map.keys()], ['a', 'c'])
    assert.equal(map.delete('a'), true)
    map.set('d', 5)
    assert.deepEqual([...map.values()], [4, 5])
  })
})
