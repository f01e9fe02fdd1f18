import assert from 'node:assert/strict'
import fc from 'fast-check'
import { resolveTarget } from '../../../src/account/target.js'
import { TelephonyError } from '../../../src/base/errors.js'

const DOMAIN = 'pbx.example.com:5070'
const isBadTarget = (error: unknown) => error instanceof TelephonyError && error.code === 'BAD_TARGET'

describe('target', () => {
  const taken: [text: string, uri: string, user: string][] = [
    ['1002', `sip:1002@${DOMAIN}`, '1002'],
    ['  1002 ', `sip:1002@${DOMAIN}`, '1002'],
    ['+49 30 1234', `sip:+49301234@${DOMAIN}`, '+49301234'],
    ['+49 (0)30 1234-56', `sip:+4930123456@${DOMAIN}`, '+4930123456'],
    ['(030) 12/34', `sip:0301234@${DOMAIN}`, '0301234'],
    ['*43#', `sip:*43%23@${DOMAIN}`, '*43#'],
    ['alice', `sip:alice@${DOMAIN}`, 'alice'],
    ['alice@2001:db8::1', 'sip:alice@[2001:db8::1]', 'alice'],
    ['sip:alice@[2001:db8::1]:5070;transport=tcp', 'sip:alice@[2001:db8::1]:5070;transport=tcp', 'alice'],
    ['bad.dad', `sip:bad.dad@${DOMAIN}`, 'bad.dad'],
    ['jürgen', `sip:j%C3%BCrgen@${DOMAIN}`, 'jürgen'],
    ['alice@example.org', 'sip:alice@example.org', 'alice'],
    ['alice@192.0.2.1:5080', 'sip:alice@192.0.2.1:5080', 'alice'],
    ['sips:alice@example.org', 'sips:alice@example.org', 'alice'],
    ['sip:alice@example.org;transport=udp', 'sip:alice@example.org;transport=udp', 'alice'],
    ['SIP:al%20ice@example.org', 'sip:al%20ice@example.org', 'al ice'],
    ['sip:example.org', 'sip:example.org', ''],
    ['SIPS:al%20ice@example.org:5063', 'sips:al%20ice@example.org:5063', 'al ice'],
    ['tel:+49-30-1234', `sip:+49301234@${DOMAIN}`, '+49301234'],
    ['tel:7042;phone-context=example.com', `sip:7042@${DOMAIN}`, '7042'],
  ]
  for (const [text, uri, user] of taken) {
    it(`takes ${text}`, () => {
      const target = resolveTarget(text, DOMAIN)
      assert.deepEqual({ uri: target.uri.text, user: target.user }, { uri, user })
    })
  }

  const refused = [
    '',
    '   ',
    'https://example.org',
    'tel:+1-212;ext=7',
    'tel:hello',
    'alice smith',
    '"Alice" <sip:alice@example.org>',
    'sip:@example.org',
    'alice@',
    'sip:alice:secret@example.org',
    'sip:alice@example.org?Subject=x',
    'alice@exa mple.org',
    'alice@example.org:99999',
    '1002\r\nX-Evil: 1',
    '1002\nX: 1',
    '1002\u0000',
    '1002\u2028x',
    '1002\ud800',
    'sip:al\udfffice@example.org',
    'sip:alice@example.org;x=\u202e',
    'sip:alice@example.org;x=\ud800',
    'sip:al%0d%0aX:ice@example.org',
    'al%00ice',
    'sip:alice@example.org;x=%0A',
    `1${'0'.repeat(300)}`,
  ]
  for (const text of refused) {
    it(`refuses ${JSON.stringify(text).slice(0, 40)}`, () =>
      assert.throws(() => resolveTarget(text, DOMAIN), isBadTarget))
  }

  it('yields one clean URI or BAD_TARGET for any text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.webUrl(), fc.emailAddress()), (text) => {
        try {
          const uri = resolveTarget(text, DOMAIN).uri.text
          assert.match(uri, /^sip:[\x21-\x7e]+$/)
          assert.doesNotMatch(uri, /[<>"?]/)
        } catch (error) {
          assert.ok(isBadTarget(error), String(error))
        }
      }),
    )
  })
})
