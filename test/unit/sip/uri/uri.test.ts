import assert from 'node:assert/strict'
import { parseNameAddress } from '../../../../src/sip/uri/name-address.js'
import { parseParams } from '../../../../src/sip/uri/params.js'
import { parseUri } from '../../../../src/sip/uri/sip-uri.js'

describe('SIP URI', () => {
  it('is split into its parts', () => {
    const uri = parseUri('sip:alice:secret@Example.COM:5070;transport=udp;lr?subject=x')
    assert.ok(uri)
    assert.deepEqual(
      { ...uri, params: [...uri.params] },
      {
        text: 'sip:alice:secret@Example.COM:5070;transport=udp;lr?subject=x',
        scheme: 'sip',
        user: 'alice',
        host: 'example.com',
        port: 5070,
        params: [
          ['transport', 'udp'],
          ['lr', undefined],
        ],
        headers: 'subject=x',
      },
    )
    assert.equal(uri.isLoose, true)
  })

  it('decodes the user part', () => {
    assert.equal(parseUri('sip:sips%3Auser%40example.com@example.net')?.user, 'sips:user@example.com')
    assert.equal(parseUri('sip:null-%00@x')?.user, 'null-\0')
  })

  it('takes tel and unknown schemes', () => {
    assert.equal(parseUri('tel:+49-30-1;ext=2')?.user, '+49-30-1')
    assert.deepEqual(parseUri('isbn:2983792873')?.host, '')
  })

  it('refuses what is none', () => {
    const wrong = [
      '',
      'sip:',
      'bob',
      'sip:@',
      'sip:a@b@c',
      'sip:a@',
      'sip:a@b:99999',
      'sip:a@b c',
      'sip:%zz@b',
      'sip:a@b;;c',
      '1sip:a@b',
    ]
    for (const text of [...wrong, 'sip:a@b\r\nX: y', 'sip:a\u2028@b', 'sip:a\u0085@b', 'sip:[::1']) {
      assert.equal(parseUri(text), undefined, JSON.stringify(text))
    }
  })
})

describe('name-addr', () => {
  it('tells URI parameters from header parameters', () => {
    const inside = parseNameAddress('<sip:a@b;x=1>;tag=t')
    assert.deepEqual([inside?.uri.text, inside?.tag, inside?.params.has('x')], ['sip:a@b;x=1', 't', false])
    const outside = parseNameAddress('sip:a@b;tag=t')
    assert.deepEqual([outside?.uri.text, outside?.tag], ['sip:a@b', 't'])
  })

  it('reads display names, quoted and not', () => {
    const names = [
      '"A \\"B\\" <c>" <sip:x@y>',
      'caller<sip:x@y>',
      'Bell, Alexander <sip:x@y>',
      '<sip:x@y>',
      '"" <sip:x@y>',
    ]
    assert.deepEqual(
      names.map((text) => parseNameAddress(text)?.displayName),
      ['A "B" <c>', 'caller', 'Bell, Alexander', '', ''],
    )
  })

  it('refuses open quotes, brackets and junk after them', () => {
    for (const text of ['"a <sip:x@y>', '<sip:x@y', '<sip:x@y> junk', '"a" b <sip:x@y>', 'sip:a@b?c=d', '', '<>']) {
      assert.equal(parseNameAddress(text), undefined, text)
    }
  })
})

describe('parameters', () => {
  it('keeps quoted semicolons together', () => {
    assert.deepEqual(
      [...(parseParams(';a="x;y\\"";B = c ;d') ?? [])],
      [
        ['a', '"x;y\\""'],
        ['b', 'c'],
        ['d', undefined],
      ],
    )
  })

  it('treats __proto__ as a name', () => {
    assert.equal(parseParams(';__proto__=x')?.get('__proto__'), 'x')
  })
})
