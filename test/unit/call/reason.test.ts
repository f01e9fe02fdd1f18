import assert from 'node:assert/strict'
import { isCompletedElsewhere, reasonText } from '../../../src/call/reason.js'

describe('Reason (RFC 3326)', () => {
  const elsewhere = [
    ['SIP;cause=200;text="Call completed elsewhere"'],
    ['SIP;cause=200'],
    ['sip ; text="taken, by ;x" ; CAUSE = 200'],
    ['Q.850;cause=16', 'SIP;cause=200'],
    ['Q.850;cause=26'],
  ]
  for (const reasons of elsewhere) {
    it(`says that another telephone took the call: ${reasons.join(', ')}`, () => {
      assert.equal(isCompletedElsewhere(reasons), true)
    })
  }

  const others = [
    [],
    [''],
    ['SIP'],
    ['SIP;cause=2000'],
    ['SIP;cause=486'],
    ['Q.850;cause=200'],
    ['SIP;text="cause=200"'],
    ['x;cause=200'],
  ]
  for (const reasons of others) {
    it(`does not say so: ${JSON.stringify(reasons)}`, () => {
      assert.equal(isCompletedElsewhere(reasons), false)
    })
  }

  it('is one text for events, short, and the reason that decides first', () => {
    assert.equal(reasonText([]), undefined)
    assert.equal(reasonText(['a;cause=1', 'SIP;cause=200']), 'SIP;cause=200, a;cause=1')
    assert.equal(reasonText(['x'.repeat(200), 'SIP;cause=200'])?.startsWith('SIP;cause=200, xxx'), true)
    assert.equal(reasonText(['x'.repeat(200)])?.length, 128)
  })
})
