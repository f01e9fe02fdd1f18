import assert from 'node:assert/strict'
import { TransientMap } from '../../../src/base/transient-map.js'

describe('transient map', () => {
  it('is a map', () => {
    const map = new TransientMap<string, number>()
    map.set('a', 1).set('b', 2).set('a', 3)
    assert.deepEqual([map.size, map.has('a'), map.get('a'), map.get('c')], [2, true, 3, undefined])
    assert.deepEqual([map.delete('a'), map.delete('a'), map.has('a'), [...map.values()]], [true, false, false, [2]])
    map.clear()
    assert.deepEqual([map.size, map.get('b')], [0, undefined])
  })
})
