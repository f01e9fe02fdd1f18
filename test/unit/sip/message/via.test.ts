import assert from 'node:assert/strict'
import { isUniqueBranch, parseVia, stampVia, type Via } from '../../../../src/sip/message/via.js'

const via = (text: string): Via => {
  const parsed = parseVia(text)
  assert.ok(parsed, text)
  return parsed
}
const source = { host: '203.0.113.7', port: 40000 }

describe('Via', () => {
  it('parses sent-by, IPv6 in brackets and parameters', () => {
    const six = via('SIP/2.0/udp [2001:db8::9:1]:5061;branch=z9hG4bKas3-111;received=[2001:db8::9:255]')
    assert.deepEqual(
      [six.transport, six.host, six.port, six.received],
      ['UDP', '[2001:db8::9:1]', 5061, '[2001:db8::9:255]'],
    )
    assert.equal(via('SIP / 2.0 / TCP  host').branch, '')
  })

  it('refuses a value that is not a Via', () => {
    for (const text of ['', 'SIP/UDP a', 'SIP/2.0/UDP', 'SIP/2.0/UDP a:99999', 'SIP/2.0/UDP a;;b', 'SIP/2.0/UDP a b']) {
      assert.equal(parseVia(text), undefined, text)
    }
  })

  it('is stamped with received where the source differs (RFC 3261 18.2.1)', () => {
    assert.equal(
      stampVia(via('SIP/2.0/UDP 10.0.0.1:5060;branch=x'), source),
      'SIP/2.0/UDP 10.0.0.1:5060;branch=x;received=203.0.113.7',
    )
    assert.equal(
      stampVia(via('SIP/2.0/UDP 203.0.113.7:5060;branch=x'), source),
      'SIP/2.0/UDP 203.0.113.7:5060;branch=x',
    )
  })

  it('is stamped with an IPv6 address without brackets and zone, and not where that is its sent-by', () => {
    const six = { host: '2001:db8::7', port: 40000 }
    assert.equal(
      stampVia(via('SIP/2.0/UDP [2001:db8::7]:5060;branch=x'), six),
      'SIP/2.0/UDP [2001:db8::7]:5060;branch=x',
    )
    const other = stampVia(via('SIP/2.0/UDP [2001:db8::9];branch=x'), { ...six, host: 'fe80::7%eth0' })
    assert.equal(other, 'SIP/2.0/UDP [2001:db8::9];branch=x;received=fe80::7')
  })

  it('is stamped with rport and received where rport is asked for (RFC 3581 4)', () => {
    assert.equal(
      stampVia(via('SIP/2.0/UDP 203.0.113.7;rport;branch=x'), source),
      'SIP/2.0/UDP 203.0.113.7;branch=x;received=203.0.113.7;rport=40000',
    )
  })

  it('lets no received or rport of the sender through', () => {
    const stamped = via(stampVia(via('SIP/2.0/UDP 203.0.113.7;received=198.51.100.1;rport=25;branch=x'), source))
    assert.deepEqual([stamped.received, stamped.rport], ['203.0.113.7', '40000'])
    assert.equal(via(stampVia(via('SIP/2.0/UDP 203.0.113.7;received=198.51.100.1'), source)).received, undefined)
  })

  it('knows branches that were made to be unique', () => {
    assert.deepEqual(['z9hG4bK', 'z9hG4bKa', 'a', ''].map(isUniqueBranch), [false, true, false, false])
  })
})
