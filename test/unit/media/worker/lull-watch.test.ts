import assert from 'node:assert/strict'
import { LullWatch } from '../../../../src/media/worker/lull-watch.js'

const FRAME = 160
const atDbfs = (dbfs: number) => 32768 ** 2 * 10 ** (dbfs / 10) * FRAME

describe('the watch for silence', () => {
  function watched(limitMs: number) {
    let lulls = 0
    const watch = new LullWatch(limitMs, () => lulls++)
    return (dbfs: number, frames: number) => {
      for (let i = 0; i < frames; i++) watch.hear(atDbfs(dbfs), FRAME)
      return lulls
    }
  }

  it('reports once when it was quiet for the whole time', () => {
    const hear = watched(100)
    assert.equal(hear(-90, 4), 0)
    assert.equal(hear(-90, 1), 1)
    assert.equal(hear(-90, 50), 1)
  })

  it('speech begins the time again; the noise of a line does not', () => {
    const hear = watched(100)
    hear(-50, 4)
    hear(-25, 1)
    assert.equal(hear(-50, 4), 0)
    assert.equal(hear(-50, 1), 1)
  })
})
