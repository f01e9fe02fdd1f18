import assert from 'node:assert/strict'
import { targetUri } from '../../../../src/sip/user-agent/target-uri.js'

describe('targetUri', () => {
  for (const [text, uri] of [
    ['sip:bob@example.org?Subject=x', 'sip:bob@example.org'],
    ['sip:bob@example.org;method=BYE', 'sip:bob@example.org'],
    ['sip:what?@example.org', 'sip:what?@example.org'],
    ['tel:+4930', 'tel:+4930'],
  ] as const) {
    it(`${text} becomes ${uri}`, () => {
      assert.equal(targetUri(text).text, uri)
    })
  }

  for (const text of ['', 'bob', 'sip:', 'urn:service:sos', 'sip:a@b@c']) {
    it(`${JSON.stringify(text)} is refused`, () => {
      assert.throws(() => targetUri(text), { code: 'BAD_TARGET' })
    })
  }
})
