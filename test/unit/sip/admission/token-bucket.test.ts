import assert from 'node:assert/strict'
import { TokenBucket } from '../../../../src/sip/admission/token-bucket.js'

describe('TokenBucket', () => {
  const rate = { perSecond: 2, burst: 3 }

  it('gives its burst at once, and then as many as the time brings', () => {
    const bucket = new TokenBucket(3, 0)
    const taken = [0, 0, 0, 0, 499, 500, 500, 1_000].map((ms) => bucket.take(rate, ms))
    assert.deepEqual(taken, [true, true, true, false, false, true, false, true])
  })

  it('holds no more than its burst, however long it was full', () => {
    const bucket = new TokenBucket(1, 0)
    const taken = Array.from({ length: 4 }, () => bucket.take(rate, 3_600_000))
    assert.deepEqual(taken, [true, true, true, false])
  })

  it('loses nothing to a time before the last one', () => {
    const bucket = new TokenBucket(2, 60_000)
    assert.deepEqual([bucket.take(rate, 1_000), bucket.take(rate, 1_000)], [true, true])
  })
})
