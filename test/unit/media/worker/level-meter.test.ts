import assert from 'node:assert/strict'
import { LevelMeter } from '../../../../src/media/worker/level-meter.js'
import { sine } from '../../../support/audio.js'

function feed(meter: LevelMeter, samples: Int16Array): void {
  for (let at = 0; at < samples.length; at += 160) meter.add(samples.subarray(at, at + 160), 160)
}

describe('level meter', () => {
  it('knows nothing before the first sample', () => {
    assert.equal(new LevelMeter().dbfs, null)
  })

  it('tells the level of the last second, not of what was before', () => {
    const meter = new LevelMeter()
    feed(meter, sine(1000, 3000, { rmsDbfs: -10 }))
    assert.ok(Math.abs((meter.dbfs ?? 0) + 10) < 0.05)
    feed(meter, sine(1000, 1000, { rmsDbfs: -40 }))
    assert.ok(Math.abs((meter.dbfs ?? 0) + 40) < 0.1, `${meter.dbfs}`)
    feed(meter, new Int16Array(8000))
    assert.equal(meter.dbfs, -96)
  })

  it('gives the mean square of each frame', () => {
    assert.equal(new LevelMeter().add(Int16Array.from([3, -4, 0, 0]), 4), 6.25)
  })
})
