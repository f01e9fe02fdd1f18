import assert from 'node:assert/strict'
import { credentialsHeader, digestCredentials, digestResponse } from '../../../../src/sip/digest/credentials.js'
import type { Challenge } from '../../../../src/sip/types.js'

const challenge = (over: Partial<Challenge> = {}): Challenge => ({
  status: 401,
  realm: 'testrealm@host.com',
  nonce: 'dcd98b7102dd2f0e8b11d0f600bfb0c093',
  algorithm: 'MD5',
  qop: ['auth', 'auth-int'],
  stale: false,
  ...over,
})
const mufasa = { username: 'Mufasa', method: 'GET', uri: '/dir/index.html', nonceCount: 1 }

describe('digest credentials', () => {
  it('computes the example of RFC 2617 3.5', () => {
    const response = digestResponse({
      ...mufasa,
      password: 'Circle Of Life',
      cnonce: '0a4f113b',
      challenge: challenge({ opaque: '5ccc069c403ebaf9f0171e9517f40e41' }),
    })
    assert.equal(response, '6629fae49393a05397450978507c4ef1')
  })

  const rfc7616 = {
    ...mufasa,
    password: 'Circle of Life',
    cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
  }
  const fields = { realm: 'http-auth@example.org', nonce: '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v' }

  it('computes both examples of RFC 7616 3.9.1', () => {
    const md5 = digestResponse({ ...rfc7616, challenge: challenge({ ...fields, algorithm: 'MD5' }) })
    const sha256 = digestResponse({ ...rfc7616, challenge: challenge({ ...fields, algorithm: 'SHA-256' }) })
    assert.equal(md5, '8ca523f5e9506fed4657c9700eebdbec')
    assert.equal(sha256, '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1')
  })

  it('works without qop as RFC 2069 did', () => {
    // Computed with: ha1=md5(a:r:p) ha2=md5(REGISTER:sip:x) md5(ha1:n:ha2)
    const response = digestResponse({
      challenge: challenge({ realm: 'r', nonce: 'n', qop: [] }),
      username: 'a',
      password: 'p',
      method: 'REGISTER',
      uri: 'sip:x',
      cnonce: 'unused',
      nonceCount: 1,
    })
    assert.equal(response, 'f40b20a5a7b85c3dc357bf635b61d9d6')
  })

  it('covers nonce and cnonce in A1 for -sess', () => {
    const plain = digestResponse({ ...rfc7616, challenge: challenge({ ...fields, algorithm: 'SHA-256' }) })
    const session = digestResponse({ ...rfc7616, challenge: challenge({ ...fields, algorithm: 'SHA-256-sess' }) })
    assert.notEqual(session, plain)
    assert.equal(session, '2fd51b3a77ad75bad6afad6003e818d767133c46d9e2749e7f5232ae1ea3efd7')
  })

  it('covers the body with auth-int only', () => {
    const of = (qop: string[], body: string) =>
      digestResponse({ ...rfc7616, body, challenge: challenge({ ...fields, qop }) })
    assert.notEqual(of(['auth-int'], 'a'), of(['auth-int'], 'b'))
    assert.equal(of(['auth'], 'a'), of(['auth'], 'b'))
  })

  it('writes a complete header value and escapes what it quotes', () => {
    const value = digestCredentials({
      ...rfc7616,
      username: 'a"b\\',
      nonceCount: 17,
      challenge: challenge({ ...fields, algorithm: 'SHA-256', opaque: 'x' }),
    })
    assert.match(
      value,
      /^Digest username="a\\"b\\\\", realm="http-auth@example.org", nonce="7ypf[^"]+", uri="\/dir\/index.html"/,
    )
    assert.match(
      value,
      /response="[0-9a-f]{64}", algorithm=SHA-256, qop=auth, nc=00000011, cnonce="f2[^"]+", opaque="x"$/,
    )
  })

  it('refuses algorithms and protections that it does not know', () => {
    const bad = (over: Partial<Challenge>) => () => digestCredentials({ ...rfc7616, challenge: challenge(over) })
    assert.throws(bad({ algorithm: 'AKAv1-MD5' }), { code: 'AUTH_FAILED' })
    assert.throws(bad({ qop: ['auth-conf'] }), { code: 'AUTH_FAILED' })
  })

  it('names the header by the status of the challenge', () => {
    assert.equal(credentialsHeader(401), 'Authorization')
    assert.equal(credentialsHeader(407), 'Proxy-Authorization')
  })
})
