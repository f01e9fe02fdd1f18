import assert from 'node:assert/strict'
import { plainCopy } from '../../../src/base/plain-copy.js'

describe('plain copy', () => {
  it('copies objects and arrays at every depth, and keeps other values', () => {
    const original = { text: 'a', nothing: null, yes: true, list: [1, { inner: ['x'] }], deep: { deeper: { n: 1 } } }
    const copy = plainCopy(original)
    assert.deepEqual(copy, original)
    assert.notEqual(copy, original)
    assert.notEqual(copy.list, original.list)
    assert.notEqual(copy.list[1], original.list[1])
    assert.notEqual(copy.deep.deeper, original.deep.deeper)
    assert.deepEqual([plainCopy(null), plainCopy(7), plainCopy('x'), plainCopy(undefined)], [null, 7, 'x', undefined])
  })

  it('a property named __proto__ stays a property and changes no prototype', () => {
    const original = JSON.parse('{"__proto__":{"polluted":true},"a":{"__proto__":"text"}}') as object
    const copy = plainCopy(original)
    assert.equal(JSON.stringify(copy), JSON.stringify(original))
    assert.equal(Object.getPrototypeOf(copy), Object.prototype)
    assert.equal('polluted' in {}, false)
  })
})
