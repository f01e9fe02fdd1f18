import assert from 'node:assert/strict'
import { meanOpinionScore, transmissionRating } from '../../../../src/media/rtp/quality.js'

describe('E-model (ITU-T G.107)', () => {
  it('gives 93.2 and 4.41 without any impairment', () => {
    assert.equal(transmissionRating({ lossPercent: 0, oneWayDelayMs: 0 }), 93.2)
    assert.equal(meanOpinionScore({ lossPercent: 0, oneWayDelayMs: 0 }).toFixed(2), '4.41')
  })

  it('charges loss as G.113 says for G.711 with concealment', () => {
    // Ieff = 95 * 5 / (5 + 25.1) = 15.78
    assert.ok(Math.abs(transmissionRating({ lossPercent: 5, oneWayDelayMs: 0 }) - (93.2 - 15.781)) < 0.01)
  })

  it('charges delay, and more beyond 177.3 ms', () => {
    assert.ok(Math.abs(transmissionRating({ lossPercent: 0, oneWayDelayMs: 100 }) - 90.8) < 1e-9)
    assert.ok(Math.abs(transmissionRating({ lossPercent: 0, oneWayDelayMs: 277.3 }) - (93.2 - 6.6552 - 11)) < 1e-9)
  })

  it('stays between 1 and 4.5, and never rises with loss', () => {
    let before = 5
    for (let lossPercent = 0; lossPercent <= 100; lossPercent++) {
      const mos = meanOpinionScore({ lossPercent, oneWayDelayMs: 150 })
      assert.ok(mos >= 1 && mos <= before, `${lossPercent} %: ${mos}`)
      before = mos
    }
    assert.equal(meanOpinionScore({ lossPercent: 100, oneWayDelayMs: 5000 }), 1)
  })
})
