import assert from 'node:assert/strict'
import { Tally } from '../../../../src/media/rtp/tally.js'

describe('tally', () => {
  it('gives the most frequent first, and a frequent one stays although thousands of rare ones come', () => {
    const tally = new Tally()
    for (let n = 0; n < 5000; n++) {
      tally.add(`rare ${n}`)
      if (n % 2 === 0) tally.add('often')
      if (n % 5 === 0) tally.add('at times')
    }
    assert.deepEqual(tally.top(2), [
      { key: 'often', count: 2500 },
      { key: 'at times', count: 1000 },
    ])
    assert.equal(tally.top(100).length, 16)
  })
})
