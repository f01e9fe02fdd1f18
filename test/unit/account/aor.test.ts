import assert from 'node:assert/strict'
import { parseAor, parseHostPort } from '../../../src/account/aor.js'
import { TelephonyError } from '../../../src/base/errors.js'

describe('address of record', () => {
  it('is taken with and without its scheme', () => {
    const expected = { uri: 'sip:alice@example.com', user: 'alice', domain: 'example.com' }
    assert.deepEqual(parseAor('alice@example.com'), expected)
    assert.deepEqual(parseAor(' sip:alice@example.com '), expected)
    assert.deepEqual(parseAor('SIPS:alice@example.com'), { ...expected, uri: 'sips:alice@example.com' })
    assert.equal(parseAor('a@127.0.0.1:5070').domain, '127.0.0.1:5070')
  })

  for (const text of ['', 'alice', '@example.com', 'alice@', 'al ice@example.com', 'a@b c', 'a@b\r\nX: 1']) {
    it(`refuses ${JSON.stringify(text)}`, () =>
      assert.throws(
        () => parseAor(text),
        (error) => error instanceof TelephonyError && error.code === 'BAD_CONFIG',
      ))
  }

  it('finds host and port of what people write for a registrar or proxy', () => {
    assert.deepEqual(parseHostPort('example.com'), { host: 'example.com', port: 5060 })
    assert.deepEqual(parseHostPort('sip:proxy.example.com:5062;lr'), { host: 'proxy.example.com', port: 5062 })
    assert.deepEqual(parseHostPort('<sip:user@192.0.2.1;lr>'), { host: '192.0.2.1', port: 5060 })
    for (const [text, port] of [
      ['sips:proxy.example.com', 5061],
      ['proxy.example.com;transport=TLS', 5061],
      ['sip:proxy.example.com;transport=ws;lr', 80],
      ['<sips:[2001:db8::1];transport=ws>', 443],
      ['proxy.example.com;transport=wss', 443],
      ['sips:proxy.example.com:5080', 5080],
    ] as const) {
      assert.equal(parseHostPort(text)?.port, port, text)
    }
    assert.equal(parseHostPort('a b'), undefined)
  })

  it('spells hosts as sources and URIs of requests are spelled, or known peers would be strangers', () => {
    for (const [written, host] of [
      ['PBX.Example.com:5062', 'pbx.example.com'],
      ['[2001:DB8:0:0::1]:5062', '2001:db8::1'],
      ['0:0:0:0:0:0:0:1', '::1'],
      ['sip:[FE80::1%eth0]', 'fe80::1%eth0'],
    ] as const) {
      assert.equal(parseHostPort(written)?.host, host)
    }
  })

  it('takes for a host only what can be one', () => {
    assert.equal(parseHostPort('host:70000'), undefined)
    assert.equal(parseHostPort(''), undefined)
  })
})
