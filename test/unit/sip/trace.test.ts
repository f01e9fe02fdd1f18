import assert from 'node:assert/strict'
import { maskCredentials } from '../../../src/sip/trace.js'

describe('credentials in the trace', () => {
  const secret = 'deadbeefdeadbeef'

  it('are masked; the user and the realm stay readable', () => {
    const line = `Authorization: Digest username="alice", realm="r", nonce="${secret}", uri="sip:x", response="${secret}", cnonce="${secret}"`
    const masked = maskCredentials(`REGISTER sip:x SIP/2.0\r\n${line}\r\nTo: <sip:a@b>\r\n\r\n`)
    assert.ok(!masked.includes(secret))
    assert.match(masked, /username="alice", realm="r", nonce="\*\*\*", uri="sip:x", response="\*\*\*"/)
    assert.match(masked, /\r\nTo: <sip:a@b>\r\n\r\n$/)
  })

  it('are masked however they are written', () => {
    for (const line of [
      `proxy-authorization : digest response=${secret},nonce=${secret}`,
      `AUTHORIZATION:Digest username="a",\r\n response = "${secret}"`,
      `Authorization: Basic ${secret}`,
      `Authorization: ${secret}`,
    ]) {
      assert.ok(!maskCredentials(`A b\r\n${line}\r\n\r\n`).includes(secret), line)
    }
  })

  it('leaves everything else as it is', () => {
    const text = 'SIP/2.0 401 x\r\nWWW-Authenticate: Digest nonce="1"\r\n\r\nresponse="2"'
    assert.equal(maskCredentials(text), text)
  })
})
