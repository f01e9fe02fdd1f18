/** RFC 3515 2.1, RFC 3891 6.1, RFC 3261 19.1.1: Refer-To and the Replaces in its URI. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { parseReferTo, referToText } from '../../../../src/sip/uri/refer-to.js'
import { parseReplaces, replacesText } from '../../../../src/sip/uri/replaces.js'

const word = (letters: string) => fc.string({ unit: fc.constantFrom(...letters), minLength: 1, maxLength: 40 })
const tag = word("abcXYZ019-.!%*_+`'~")
const callId = word(`abcXYZ019-.!%*_+\`'~()<>:\\"/[]?{}@&=$#`)
const replaces = fc.record({ callId, toTag: tag, fromTag: tag, earlyOnly: fc.boolean() }, { noNullPrototype: true })

describe('Replaces', () => {
  it('is read as it was written, in whatever order its parameters come', () => {
    fc.assert(
      fc.property(replaces, (value) => {
        assert.deepEqual(parseReplaces(replacesText(value)), value)
        const { callId: id, fromTag, toTag } = value
        assert.deepEqual(parseReplaces(` ${id} ; x=1 ;From-Tag=${fromTag} ; TO-TAG=${toTag} `)?.fromTag, fromTag)
      }),
    )
  })

  for (const wrong of [
    '',
    'abc',
    ';to-tag=1;from-tag=2',
    'abc;to-tag=1',
    'abc;from-tag=1',
    'abc;to-tag=;from-tag=1',
    'abc;to-tag=1;to-tag=2;from-tag=3',
    'abc;to-tag=1;from-tag=3;from-tag=3',
    'a b;to-tag=1;from-tag=2',
    'abc;to-tag=1;from-tag=2\r\nX: y',
    'abc,def;to-tag=1;from-tag=2',
    `${'a'.repeat(600)};to-tag=1;from-tag=2`,
  ])
    it(`refuses ${JSON.stringify(wrong.slice(0, 60))}`, () => assert.equal(parseReplaces(wrong), undefined))

  it('takes any text without an exception', () => {
    fc.assert(fc.property(fc.string(), (text) => void parseReplaces(text)))
  })
})

describe('Refer-To', () => {
  it('carries Replaces through the escapes of a URI', () => {
    fc.assert(
      fc.property(replaces, (value) => {
        const text = referToText('sip:carol@example.com:5070;transport=tcp', value)
        assert.match(text, /^<sip:carol@example\.com:5070;transport=tcp\?Replaces=[^<>"\s;@?&=]*>$/)
        const read = parseReferTo(text)
        assert.deepEqual(read, {
          uri: 'sip:carol@example.com:5070;transport=tcp',
          user: 'carol',
          method: 'INVITE',
          replaces: value,
        })
      }),
    )
  })

  it('reads the example of RFC 3891 and plain forms', () => {
    const example = parseReferTo(
      '<sips:cathy@example.com?Replaces=1%40example.com%3Bto-tag%3D3%3Bfrom-tag%3D2&Require=replaces>',
    )
    assert.deepEqual(example?.replaces, { callId: '1@example.com', toTag: '3', fromTag: '2', earlyOnly: false })
    assert.equal(parseReferTo('sip:carol@example.com')?.uri, 'sip:carol@example.com')
    assert.equal(
      parseReferTo('"Carol" <sip:carol@example.com;method=INVITE;user=phone>')?.uri,
      'sip:carol@example.com;user=phone',
    )
    assert.equal(parseReferTo('<sip:carol@example.com;method=bye>')?.method, 'BYE')
    assert.equal(parseReferTo('<tel:+4930123>')?.user, '+4930123')
  })

  it('drops other headers of the URI, which would become headers of our request (RFC 3261 19.1.5)', () => {
    const { uri, replaces: none } = parseReferTo('<sip:c@h?Route=%3Csip%3Aevil%3E&P-Asserted-Identity=x>') ?? {}
    assert.deepEqual([uri, none], ['sip:c@h', undefined])
  })

  for (const wrong of [
    '',
    'carol',
    '<sip:c@h?Replaces=x>',
    '<sip:c@h?Replaces=%zz>',
    '<sip:c@h?Replaces=a%3Bto-tag%3D1%3Bfrom-tag%3D2&replaces=a%3Bto-tag%3D1%3Bfrom-tag%3D2>',
    '<sip:c@h?Replaces=a%3Bto-tag%3D1%3Bfrom-tag%3D2%0D%0AX%3Ay>',
    `<sip:${'c'.repeat(1100)}@h>`,
  ])
    it(`refuses ${JSON.stringify(wrong.slice(0, 90))}`, () => assert.equal(parseReferTo(wrong), undefined))

  it('takes any text without an exception', () => {
    fc.assert(fc.property(fc.string(), (text) => void parseReferTo(`<sip:c@h?${text}>`)))
  })
})
