import assert from 'node:assert/strict'
import fc from 'fast-check'
import { chooseChallenges, parseChallenge, parseChallenges } from '../../../../src/sip/digest/challenge.js'

describe('digest challenges', () => {
  it('parses tokens, quoted strings and lists', () => {
    const value =
      'Digest realm="a \\"b\\"", nonce="n=,1", opaque="", algorithm=sha-256, qop="auth, auth-int", stale=TRUE'
    assert.deepEqual(parseChallenge(401, value), [
      {
        status: 401,
        realm: 'a "b"',
        nonce: 'n=,1',
        opaque: '',
        algorithm: 'sha-256',
        qop: ['auth', 'auth-int'],
        stale: true,
      },
    ])
  })

  it('takes MD5 and no protection where nothing is said', () => {
    const [challenge] = parseChallenge(407, 'digest nonce=abc,realm="x"')
    assert.deepEqual(challenge, { status: 407, realm: 'x', nonce: 'abc', algorithm: 'MD5', qop: [], stale: false })
  })

  it('finds several challenges in one value and in several', () => {
    const one =
      'Basic realm="b", Digest realm="a", nonce="1", qop="auth", Digest realm="a", nonce="2", algorithm=SHA-256'
    assert.deepEqual(
      parseChallenges(401, [one, 'Digest realm="c",nonce="3"']).map((c) => [c.realm, c.nonce]),
      [
        ['a', '1'],
        ['a', '2'],
        ['c', '3'],
      ],
    )
  })

  it('leaves out other schemes and challenges without realm or nonce', () => {
    assert.deepEqual(
      parseChallenges(401, ['Bearer x', 'Digest realm="a"', 'Digest nonce="n"', '', '""', 'x'.repeat(5000)]),
      [],
    )
  })

  it('chooses the strongest of each realm, and none that it cannot answer', () => {
    const offered = parseChallenges(401, [
      'Digest realm="a", nonce="md5", algorithm=MD5, qop="auth"',
      'Digest realm="a", nonce="sha", algorithm=SHA-256, qop="auth"',
      'Digest realm="a", nonce="aka", algorithm=AKAv1-MD5',
      'Digest realm="b", nonce="sess", algorithm=MD5-sess, qop="auth"',
      'Digest realm="c", nonce="x", qop="auth-conf"',
    ])
    assert.deepEqual(
      chooseChallenges(offered).map((c) => c.nonce),
      ['sha', 'sess'],
    )
  })

  it('keeps realms of 401 and 407 apart', () => {
    const both = [
      ...parseChallenge(401, 'Digest realm="a",nonce="1"'),
      ...parseChallenge(407, 'Digest realm="a",nonce="2"'),
    ]
    assert.equal(chooseChallenges(both).length, 2)
  })

  it('never throws', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 300 }), (text) => Array.isArray(parseChallenge(401, `Digest ${text}`))),
    )
  })
})
