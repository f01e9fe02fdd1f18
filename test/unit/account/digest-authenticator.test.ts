import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { DigestAuthenticator } from '../../../src/account/digest-authenticator.js'
import type { Challenge } from '../../../src/sip/types.js'
import { uriOf } from '../../support/uri.js'

const challenge = (init: Partial<Challenge> = {}): Challenge => ({
  status: 401,
  realm: 'pbx',
  nonce: 'n1',
  algorithm: 'MD5',
  qop: ['auth'],
  stale: false,
  ...init,
})

const request = (attempt: number, method = 'REGISTER', callId = 'c1') => ({
  method,
  uri: uriOf('sip:pbx'),
  callId,
  body: '',
  attempt,
})

const make = (password = 'secret') =>
  new DigestAuthenticator({ newCnonce: () => 'c0ffee' }, { username: 'alice', password })

const field = (header: string | undefined, name: string) =>
  new RegExp(`(?:^Digest |, )${name}="?([^",]*)"?`).exec(header ?? '')?.[1]

describe('digest authenticator', () => {
  it('answers 401 and 407 with the header that belongs to each, and the right response', () => {
    const answer = make().answer([challenge(), challenge({ status: 407, realm: 'edge' })], request(1))
    assert.deepEqual(
      answer?.map(([name]) => name),
      ['Authorization', 'Proxy-Authorization'],
    )
    const h = (text: string) => createHash('md5').update(text).digest('hex')
    const expected = h(`${h('alice:pbx:secret')}:n1:00000001:c0ffee:auth:${h('REGISTER:sip:pbx')}`)
    assert.equal(field(answer?.[0]?.[1], 'response'), expected)
    assert.equal(field(answer?.[0]?.[1], 'username'), 'alice')
  })

  it('takes SHA-256 rather than MD5 of the same realm, in either order', () => {
    const both = [challenge({ algorithm: 'SHA-256' }), challenge()]
    for (const offered of [both, both.toReversed()]) {
      const answer = make().answer(offered, request(1))
      assert.equal(answer?.length, 1)
      assert.equal(field(answer?.[0]?.[1], 'algorithm'), 'SHA-256')
    }
  })

  it('has nothing to say without a password or to algorithms that it does not know', () => {
    assert.equal(make('').answer([challenge()], request(1)), undefined)
    assert.equal(make().answer([challenge({ algorithm: 'AKAv1-MD5' })], request(1)), undefined)
    assert.equal(make().answer([], request(1)), undefined)
  })

  it('remembers the newest 1024 nonces: a peer that asks for ever fills no memory', () => {
    const authenticator = make()
    const nc = (nonce: string, n: number) =>
      field(authenticator.answer([challenge({ nonce })], request(1, 'INVITE', `c${n}`))?.[0]?.[1], 'nc')
    assert.equal(nc('first', 0), '00000001')
    for (let n = 1; n < 1024; n++) nc(`n${n}`, n)
    assert.equal(nc('first', 1024), '00000002')
    for (let n = 1; n <= 1024; n++) nc(`m${n}`, 2000 + n)
    assert.equal(nc('first', 4000), '00000001')
  })

  it('takes the same nonce again for a refusal', () => {
    const authenticator = make()
    assert.ok(authenticator.answer([challenge()], request(1)))
    assert.equal(authenticator.answer([challenge()], request(2)), undefined)
  })

  it('answers a fresh nonce once more, not a third time', () => {
    const authenticator = make()
    assert.ok(authenticator.answer([challenge()], request(1)))
    assert.ok(authenticator.answer([challenge({ nonce: 'n2' })], request(2)))
    assert.equal(authenticator.answer([challenge({ nonce: 'n3' })], request(3)), undefined)
  })

  it('answers stale nonces, but not for ever', () => {
    const authenticator = make()
    assert.ok(authenticator.answer([challenge()], request(1)))
    for (const attempt of [2, 3, 4, 5]) {
      assert.ok(authenticator.answer([challenge({ nonce: `n${attempt}`, stale: true })], request(attempt)))
    }
    assert.equal(authenticator.answer([challenge({ nonce: 'n6', stale: true })], request(6)), undefined)
  })

  it('answers a registrar behind a proxy that asked first', () => {
    const authenticator = make()
    assert.ok(authenticator.answer([challenge({ status: 407, realm: 'edge' })], request(1)))
    const both = authenticator.answer(
      [challenge({ status: 407, realm: 'edge' }), challenge({ nonce: 'n2' })],
      request(2),
    )
    assert.deepEqual(
      both?.map(([name, value]) => [name, field(value, 'nc')]),
      [
        ['Proxy-Authorization', '00000002'],
        ['Authorization', '00000001'],
      ],
    )
  })

  it('keeps calls to the same number apart that are challenged at the same time', () => {
    const authenticator = make()
    const [proxy, registrar] = [challenge({ status: 407, realm: 'edge' }), challenge()]
    for (const callId of ['c1', 'c2']) assert.ok(authenticator.answer([proxy], request(1, 'INVITE', callId)))
    for (const callId of ['c1', 'c2']) {
      assert.equal(authenticator.answer([proxy, registrar], request(2, 'INVITE', callId))?.length, 2)
    }
  })

  it('begins anew with each request and counts a nonce that is used again', () => {
    const authenticator = make()
    for (const nc of ['00000001', '00000002', '00000003']) {
      const answer = authenticator.answer([challenge()], request(1))
      assert.equal(field(answer?.[0]?.[1], 'nc'), nc)
    }
  })

  it('gives no credentials to a strange realm within a dialog', () => {
    const authenticator = make()
    assert.equal(authenticator.answer([challenge({ realm: 'evil' })], request(1, 'BYE')), undefined)
    authenticator.answer([challenge()], request(1, 'INVITE'))
    assert.ok(authenticator.answer([challenge({ nonce: 'n2' })], request(1, 'BYE')))
  })
})
