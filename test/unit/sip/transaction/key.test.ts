import assert from 'node:assert/strict'
import type { ParsedRequest } from '../../../../src/sip/message/parsed-message.js'
import { parseVia, type Via } from '../../../../src/sip/message/via.js'
import { serverKey } from '../../../../src/sip/transaction/key.js'

const keyOf = (via: string, over: { method?: string; callId?: string; cseq?: number; from?: string } = {}): string =>
  serverKey({
    via: parseVia(via) as Via,
    method: 'INVITE',
    callId: 'c',
    cseq: 1,
    ...over,
    from: { text: over.from ?? '<sip:a@b>;tag=1' },
  } as ParsedRequest)

describe('server transaction key (RFC 3261 17.2.3)', () => {
  const via = 'SIP/2.0/UDP host:5060;branch=z9hG4bKx'

  it('is branch, sent-by and method', () => {
    assert.equal(keyOf(via), keyOf(`${via};rport=1;received=192.0.2.1`, { callId: 'other', cseq: 2 }))
    assert.notEqual(keyOf(via), keyOf(via.replace('host', 'other')))
    assert.notEqual(keyOf(via), keyOf(via.replace('5060', '5061')))
    assert.notEqual(keyOf(via), keyOf(via.replace('Kx', 'Ky')))
    assert.notEqual(keyOf(via), keyOf(via, { method: 'CANCEL' }))
  })

  it('is the same for an ACK and its INVITE', () => {
    assert.equal(keyOf(via, { method: 'ACK' }), keyOf(via))
  })

  it('is Call-ID, CSeq and From where the branch is not unique', () => {
    for (const old of [
      'SIP/2.0/UDP host:5060',
      'SIP/2.0/UDP host:5060;branch=z9hG4bK',
      'SIP/2.0/UDP host:5060;branch=1',
    ]) {
      assert.notEqual(keyOf(old), keyOf(old, { callId: 'other' }))
      assert.notEqual(keyOf(old), keyOf(old, { cseq: 2 }))
      assert.notEqual(keyOf(old), keyOf(old, { from: '<sip:a@b>;tag=2' }))
      assert.equal(keyOf(old, { method: 'ACK' }), keyOf(old))
    }
  })
})
