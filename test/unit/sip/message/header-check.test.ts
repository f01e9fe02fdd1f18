import assert from 'node:assert/strict'
import { bodyText } from '../../../../src/sip/message/body.js'
import { checkText, dialogHeaderLines, headerLines } from '../../../../src/sip/message/header-check.js'

describe('headers from above', () => {
  it('become lines', () => {
    assert.deepEqual(
      headerLines([
        ['X-Case', 'a, b'],
        ['Subject', 'Grüße'],
      ]),
      ['X-Case: a, b', 'Subject: Grüße'],
    )
  })

  it('cannot hold halves of letters, which would be octets of no text on the wire', () => {
    assert.deepEqual(headerLines([['Subject', 'a\udce4b\ud83d']]), ['Subject: a\ufffdb\ufffd'])
    assert.match(bodyText({ contentType: 'text/plain', content: '\udce4 \u{1f4de}' }), /\r\n\r\n\ufffd \u{1f4de}$/u)
  })

  for (const breaker of ['\r', '\n', '\r\n', '\0', '\u2028', '\u2029', '\u0085', '\v', '\f']) {
    it(`cannot hold ${JSON.stringify(breaker)}`, () => {
      assert.throws(() => headerLines([['Subject', `a${breaker}Via: b`]]), { code: 'BAD_HEADER' })
      assert.throws(() => headerLines([[`Sub${breaker}ject`, 'a']]), { code: 'BAD_HEADER' })
      assert.throws(() => checkText('display name', breaker), { code: 'BAD_HEADER' })
    })
  }

  for (const name of ['', 'a b', 'a:', 'Via', 'v', 'Content-Length', 'l', 'call-id', 'CSEQ', 'To', 'Route']) {
    it(`cannot be named ${JSON.stringify(name)}`, () => {
      assert.throws(() => headerLines([[name, 'x']]), { code: 'BAD_HEADER' })
    })
  }

  for (const name of ['Contact', 'm', 'CONTACT', 'via']) {
    it(`cannot be named ${name} within a call`, () => {
      assert.throws(() => dialogHeaderLines([[name, '<sip:x@y>']]), { code: 'BAD_HEADER' })
    })
  }
})
