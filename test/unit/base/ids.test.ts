import assert from 'node:assert/strict'
import { newSipCallId, newToken } from '../../../src/base/ids.js'

describe('ids', () => {
  it('makes Call-IDs as `UUID@host`: FRITZ!Box and others expect them so', () => {
    const made = [newSipCallId('192.0.2.1'), newSipCallId('192.0.2.1')]
    for (const id of made) assert.match(id, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}@192\.0\.2\.1$/)
    assert.notEqual(made[0], made[1])
  })

  it('gives tokens of the length asked for, no two alike, also across refills of the pool of randomness', () => {
    const tokens = Array.from({ length: 3000 }, () => newToken())
    assert.ok(tokens.every((token) => /^[0-9a-f]{16}$/.test(token)))
    assert.equal(new Set(tokens).size, tokens.length)
    assert.match(newToken(3), /^[0-9a-f]{6}$/)
    assert.throws(() => newToken(5000), RangeError)
  })
})
