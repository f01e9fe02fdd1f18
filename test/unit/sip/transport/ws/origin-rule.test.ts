import assert from 'node:assert/strict'
import { originRule } from '../../../../../src/sip/transport/ws/origin-rule.js'

describe('originRule', () => {
  it('lets in programs that are not browsers, whatever is configured', () => {
    for (const origins of [[], ['https://phone.example.com'], ['*']]) {
      assert.equal(originRule(origins)(undefined, 'pbx.example.com:8088'), true)
      assert.equal(originRule(origins)(undefined, undefined), true)
    }
  })

  it('takes the pages of the same host by default, at any port, and no others', () => {
    const allows = originRule([])
    const cases: [string, string, boolean][] = [
      ['http://pbx.example.com:1880', 'pbx.example.com:8088', true],
      ['https://PBX.example.com', 'pbx.example.com', true],
      ['http://192.0.2.1:1880', '192.0.2.1:8088', true],
      ['http://[2001:db8::1]:1880', '[2001:db8::1]:8088', true],
      ['https://evil.example', 'pbx.example.com:8088', false],
      ['https://pbx.example.com.evil.example', 'pbx.example.com:8088', false],
      ['null', 'pbx.example.com:8088', false],
      ['', 'pbx.example.com:8088', false],
      ['nonsense', 'nonsense', false],
    ]
    for (const [origin, host, allowed] of cases) assert.equal(allows(origin, host), allowed, `${origin} at ${host}`)
    assert.equal(allows('http://pbx.example.com', undefined), false)
  })

  it('takes the configured origins and no others, the same host neither', () => {
    const allows = originRule(['https://Phone.example.com/', 'http://10.0.0.1:1880', 'null'])
    assert.equal(allows('https://phone.example.com', 'pbx'), true)
    assert.equal(allows('https://phone.example.com:443', 'pbx'), true)
    assert.equal(allows('http://10.0.0.1:1880', 'pbx'), true)
    assert.equal(allows('null', 'pbx'), true)
    assert.equal(allows('http://phone.example.com', 'pbx'), false)
    assert.equal(allows('http://10.0.0.1', 'pbx'), false)
    assert.equal(allows('http://pbx:1880', 'pbx'), false)
  })

  it('takes all pages with *', () => {
    assert.equal(originRule(['*'])('https://anything.example', 'pbx'), true)
  })

  it('refuses a setting that is not an origin', () => {
    for (const entry of ['phone.example.com', 'https://phone.example.com/path', 'ftp://x', '']) {
      assert.throws(() => originRule([entry]), {
        code: 'BAD_CONFIG',
        message: `${JSON.stringify(entry)} is not the origin of a web page. Use one like https://phone.example.com, or * for all pages`,
      })
    }
  })
})
