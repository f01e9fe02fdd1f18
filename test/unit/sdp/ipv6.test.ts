import assert from 'node:assert/strict'
import { canonical } from '../../../src/sdp/address.js'
import { OfferAnswer } from '../../../src/sdp/offer-answer.js'

describe('addresses in SDP', () => {
  it('are known by one form only, that of the packets which come from there', () => {
    const local = { address: '2001:db8::1', port: 4000, rtcpPort: 4001, codecs: ['PCMA'] as const }
    const address = 'IN IP6 2001:0DB8:0:0::7'
    const lines = ['v=0', `o=- 1 1 ${address}`, 's=-', `c=${address}`, 't=0 0', 'm=audio 5000 RTP/AVP 8', '']
    const { settled } = new OfferAnswer(local, 2).answer(lines.join('\r\n'))
    assert.equal(settled.remote.host, '2001:db8::7')
    assert.equal(canonical('0:0:0:0:0:0:0:1'), '::1')
    assert.equal(canonical('127.0.0.1'), '127.0.0.1')
  })
})
