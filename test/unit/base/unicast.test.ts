import assert from 'node:assert/strict'
import { isUnicast } from '../../../src/base/unicast.js'

describe('the address of one machine', () => {
  const cases: [boolean, string[]][] = [
    [
      true,
      [
        '192.0.2.1',
        '127.0.0.1',
        '10.0.0.0',
        '223.255.255.255',
        '20.0.0.0',
        '2001:db8::1',
        '::1',
        'ff::1',
        '::ffff:192.0.2.1',
      ],
    ],
    [false, ['0.0.0.0', '0.0.0.1', '224.0.0.1', '239.255.255.255', '255.255.255.255']],
    [false, ['::', '0:0:0:0:0:0:0:0', '::0.0.0.0', 'ff02::1', 'FF0E::101']],
  ]
  for (const [is, addresses] of cases) {
    for (const address of addresses) {
      it(`${address}: ${is ? 'yes' : 'no'}`, () => assert.equal(isUnicast(address), is))
    }
  }
})
