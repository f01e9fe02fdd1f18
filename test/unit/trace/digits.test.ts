import assert from 'node:assert/strict'
import { maskedDigits } from '../../../src/trace/digits.js'
import { request } from '../../support/trace-texts.js'

const info = (type: string, body: string) => request('INFO', { headers: [`Content-Type: ${type}`] }) + body

describe('digits in the trace', () => {
  it('of an INFO are masked, and the length stays', () => {
    const relay = info('application/dtmf-relay', 'Signal= 5\r\nDuration=160\r\n')
    assert.equal(maskedDigits(relay), relay.replace('Signal= 5', 'Signal= *'))
    const plain = info('application/dtmf', '12')
    assert.equal(maskedDigits(plain), plain.replace(/12$/, '**'))
  })

  it('leaves other messages as they are', () => {
    for (const text of [
      info('text/plain', 'Signal=5'),
      request('MESSAGE', { body: 'Signal=5' }),
      'INFO without an end',
    ]) {
      assert.equal(maskedDigits(text), text)
    }
  })
})
