import assert from 'node:assert/strict'
import { Concealment } from '../../../../src/media/codec/concealment.js'
import { measureTone, rmsDbfs, sine } from '../../../support/audio.js'

describe('concealment', () => {
  it('goes on with what was heard, softer and softer, then with nothing', () => {
    const concealment = new Concealment()
    const heard = sine(1000, 20, { rmsDbfs: -10 })
    concealment.heard(heard, 0, 160)
    const levels: number[] = []
    for (let i = 0; i < 4; i++) {
      const frame = new Int16Array(160)
      concealment.fill(frame, 0, 160)
      levels.push(rmsDbfs(frame))
      if (i === 0) assert.ok(measureTone(frame, 1000).share > 0.5)
    }
    assert.ok((levels[0] ?? 0) > -13 && levels.every((l, i) => i === 0 || l < (levels[i - 1] ?? 0) || l === -Infinity))
    assert.equal(levels[3], Number.NEGATIVE_INFINITY)
    assert.ok(concealment.exhausted)
  })

  it('begins anew with the next sound, also where that comes in parts', () => {
    const concealment = new Concealment()
    concealment.fill(new Int16Array(480), 0, 480)
    assert.ok(concealment.exhausted)
    concealment.heard(
      Int16Array.from({ length: 80 }, () => 1000),
      0,
      80,
    )
    assert.ok(!concealment.exhausted)
    const frame = new Int16Array(162)
    concealment.fill(frame, 2, 160)
    assert.deepEqual([...frame.subarray(0, 82)], [...Array<number>(82)].fill(0), 'the part before it was silent')
    assert.ok((frame[82] ?? 0) > 800)
  })
})
