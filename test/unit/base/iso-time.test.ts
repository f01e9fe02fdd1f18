import assert from 'node:assert/strict'
import fc from 'fast-check'
import { isoTime } from '../../../src/base/iso-time.js'

describe('ISO time', () => {
  it('is what Date makes of it, in any order of times', () => {
    const near = fc.integer({ min: 1_790_000_000_000, max: 1_790_000_003_000 })
    const any = fc.integer({ min: -62_000_000_000_000, max: 8_000_000_000_000_000 })
    fc.assert(
      fc.property(fc.array(fc.oneof(near, any), { minLength: 1 }), (times) => {
        for (const time of times) assert.equal(isoTime(time), new Date(time).toISOString())
      }),
    )
    assert.equal(isoTime(1_790_000_000_123.9), new Date(1_790_000_000_123.9).toISOString())
  })
})
