import assert from 'node:assert/strict'
import { isIP } from 'node:net'
import fc from 'fast-check'
import { ipVersionOf, isUnspecified } from '../../../src/sdp/address.js'

describe('addresses in SDP', () => {
  const known = ['::', '::1', '2001:db8::1', 'fe80::1', '::ffff:192.0.2.1', '1:2:3:4:5:6:7:8', '1::', '::2:3:4:5:6:7:8']
  const others = [
    '',
    'host',
    '1.2.3',
    '1.2.3.256',
    '224.2.1.1/127',
    '1:2:3',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7:8:9',
    '12345::',
    '::1%eth0',
    '::192.0.2.1:1',
    '1:2:3:4:5:6:7::8',
  ]
  for (const text of [...known, ...others, '0.0.0.0', '255.255.255.255']) {
    it(`takes “${text}” for what Node takes it`, () => {
      const zone = text.includes('%') // no use to anybody else
      assert.equal(ipVersionOf(text) ?? 0, zone ? 0 : isIP(text))
    })
  }

  it('agrees with Node on whatever looks like one', () => {
    const group = fc.stringMatching(/^[0-9a-f]{0,5}$/)
    const text = fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.array(group, { maxLength: 9 }).map((groups) => groups.join(':')),
    )
    fc.assert(
      fc.property(text, (address) => assert.equal(ipVersionOf(address) ?? 0, isIP(address), address)),
      { numRuns: 3000 },
    )
  })

  it('knows the ones that nobody has', () => {
    assert.deepEqual(['0.0.0.0', '::', '0:0:0:0:0:0:0:0'].map(isUnspecified), [true, true, true])
    assert.deepEqual(['10.0.0.0', '::1', '1::'].map(isUnspecified), [false, false, false])
  })
})
