import assert from 'node:assert/strict'
import { encode, energyOf, energyOfSamples, PCMA } from '../../../../src/media/codec/g711.js'
import { LevelMeter } from '../../../../src/media/worker/level-meter.js'
import { sine } from '../../../support/audio.js'

function feed(meter: LevelMeter, samples: Int16Array): void {
  for (let at = 0; at < samples.length; at += 160) meter.add(energyOfSamples(samples, at, 160), 160)
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

  it('energy is the sum of squares, of samples and of octets', () => {
    assert.equal(energyOfSamples(Int16Array.from([9, 3, -4, 0, 0]), 1, 4), 25)
    const tone = sine(1000, 20)
    const octets = new Uint8Array(160)
    encode(PCMA, tone, octets)
    const decoded = Int16Array.from(octets, (octet) => PCMA.toLinear[octet] ?? 0)
    assert.equal(energyOf(PCMA, octets, 40, 80), energyOfSamples(decoded, 40, 80))
  })
})
