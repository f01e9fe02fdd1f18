import assert from 'node:assert/strict'
import fc from 'fast-check'
import { addTimestamp, nextSequence, sequenceDelta, timestampDelta } from '../../../../src/media/rtp/sequence.js'

describe('sequence numbers and timestamps (RFC 3550 5.1)', () => {
  it('go on over their ends', () => {
    assert.equal(nextSequence(65_534), 65_535)
    assert.equal(nextSequence(65_535), 0)
    assert.equal(addTimestamp(2 ** 32 - 160, 160), 0)
    assert.equal(addTimestamp(2 ** 32 - 80, 160), 80)
  })

  it('are compared the short way round', () => {
    assert.deepEqual([sequenceDelta(1, 65_535), sequenceDelta(65_535, 1)], [2, -2])
    assert.deepEqual([sequenceDelta(32_767, 0), sequenceDelta(32_768, 0)], [32_767, -32_768])
    assert.deepEqual([timestampDelta(80, 2 ** 32 - 80), timestampDelta(2 ** 32 - 80, 80)], [160, -160])
    assert.deepEqual([timestampDelta(2 ** 31 - 1, 0), timestampDelta(2 ** 31, 0)], [2 ** 31 - 1, -(2 ** 31)])
  })

  it('what was added is what lies between, wherever it began', () => {
    const start = fc.integer({ min: 0, max: 0xffff_ffff })
    fc.assert(
      fc.property(start, fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), (from, samples) => {
        const to = addTimestamp(from, samples)
        assert.ok(to >= 0 && to <= 0xffff_ffff)
        assert.equal(timestampDelta(to, from), samples)
      }),
    )
    fc.assert(
      fc.property(fc.nat({ max: 0xffff }), fc.integer({ min: -32_768, max: 32_767 }), (from, packets) =>
        assert.equal(sequenceDelta((from + packets) & 0xffff, from), packets),
      ),
    )
  })
})
