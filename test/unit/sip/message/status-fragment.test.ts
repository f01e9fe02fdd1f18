/** RFC 3420, RFC 3515 2.4.5 */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { parseStatusFragment, statusFragment } from '../../../../src/sip/message/status-fragment.js'

describe('message/sipfrag', () => {
  it('is one status line, whatever the reason contains, and is read as it was written', () => {
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 699 }), fc.string(), (status, reason) => {
        const text = statusFragment({ status, reason })
        assert.match(text, /^SIP\/2\.0 \d{3} [^\r\n]*\r\n$/)
        const read = parseStatusFragment(text)
        assert.equal(read?.status, status)
        assert.equal(statusFragment(read ?? { status: 0, reason: '' }), text)
      }),
    )
  })

  it('is read without its headers, without a reason and without a line break', () => {
    for (const [text, status, reason] of [
      ['SIP/2.0 200 OK\r\nTo: <sip:a@b>\r\n\r\nbody', 200, 'OK'],
      ['SIP/2.0 603 Declined', 603, 'Declined'],
      ['SIP/2.0 180\r\n', 180, ''],
      ['sip/2.0 486 Busy Here\n', 486, 'Busy Here'],
    ] as const)
      assert.deepEqual(parseStatusFragment(text), { status, reason })
  })

  it('is refused if it does not begin with a status line', () => {
    for (const text of [
      '',
      'INVITE sip:a@b SIP/2.0\r\n',
      'SIP/2.0 99 x',
      'SIP/2.0 700 x',
      'SIP/3.0 200 OK',
      ' SIP/2.0 200 OK',
    ])
      assert.equal(parseStatusFragment(text), undefined, text)
  })
})
