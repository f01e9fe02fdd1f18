import assert from 'node:assert/strict'
import { newToken } from '../../../src/base/ids.js'

describe('ids', () => {
  it('gives tokens of the length asked for, no two alike, also across refills of the pool of randomness', () => {
    const tokens = Array.from({ length: 3000 }, () => newToken())
    assert.ok(tokens.every((token) => /^[0-9a-f]{16}$/.test(token)))
    assert.equal(new Set(tokens).size, tokens.length)
    assert.match(newToken(3), /^[0-9a-f]{6}$/)
    assert.throws(() => newToken(5000), RangeError)
  })
})
