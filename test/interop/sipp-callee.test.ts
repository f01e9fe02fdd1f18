/** SIPp as a callee that refuses, challenges, stays silent, answers late or has lost our ACK. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { CallEnd } from '../../src/call/call-event.js'
import { peerFolder } from '../support/peers/peer-folder.js'
import '../support/peers/root-hooks.js'
import { Sipp, type SippInit, type SippMessage } from '../support/peers/sipp.js'
import * as sip from '../support/peers/sipp-scenario.js'
import { Phone, type PhoneInit } from '../support/phone.js'

const REALM = 'sipp.test'
const PASSWORD = 'canary-password'

describe('SIPp as callee', function () {
  this.timeout(30_000)
  let phone: Phone
  let callee: Sipp

  const start = async (
    name: string,
    steps: sip.Step[],
    account: PhoneInit['account'] = {},
    more: Partial<SippInit> = {},
  ) => {
    callee = await Sipp.start({ name, steps, calls: 1, trace: true, ...more })
    phone = await Phone.start({ folder: peerFolder.folder('phone'), trace: true, account })
    return phone.dial(`sip:service@${callee.address}`)
  }

  afterEach(async () => {
    await phone.close()
    await callee.stop()
  })

  const refusals: [status: string, cause: CallEnd['cause']][] = [
    ['486 Busy Here', 'busy'],
    ['603 Decline', 'rejected'],
    ['404 Not Found', 'failed'],
  ]
  for (const [status, cause] of refusals) {
    it(`answers ${status}: the call ends as ${cause}`, async () => {
      const callId = await start(`refuse-${status.slice(0, 3)}`, [
        sip.expectRequest('INVITE'),
        sip.provisional('180 Ringing'),
        sip.refuse(status),
        sip.expectRequest('ACK'),
      ])
      const { end, cdr } = await phone.event('call.ended', { callId })
      await callee.finished()
      assert.deepEqual([end.by, end.cause, end.sipCode], ['remote', cause, Number(status.slice(0, 3))])
      assert.equal(cdr.answeredAt, null)
      assert.equal(cdr.talkMs, 0)
    })
  }

  it('answers our hold with 491: we wait, ask again, and resume', async () => {
    const search = (direction: string) => ({ checks: [{ search: `a=${direction}` }] })
    const callId = await start('glare', [
      sip.expectRequest('INVITE'),
      sip.answer(),
      sip.expectRequest('ACK'),
      sip.expectRequest('INVITE', search('sendonly')),
      sip.refuseAgain('491 Request Pending'),
      sip.expectRequest('ACK'),
      sip.expectRequest('INVITE', search('sendonly')),
      sip.answerReinvite({ direction: 'recvonly', version: 2 }),
      sip.expectRequest('ACK'),
      sip.expectRequest('INVITE', search('sendrecv')),
      sip.answerReinvite({ version: 3 }),
      sip.expectRequest('ACK'),
      sip.expectRequest('BYE'),
      sip.accept,
    ])
    await phone.event('call.answered', { callId })
    const askedMs = Date.now()
    await phone.call('hold', { callId })
    const waitedMs = Date.now() - askedMs
    assert.equal((await phone.event('call.held', { callId })).by, 'local')
    await phone.call('resume', { callId })
    await phone.call('hangup', { callId })
    await callee.finished()
    // RFC 3261 14.1: the side that made the Call-ID waits at least 2.1 s.
    console.log(`      asked again after ${waitedMs} ms`)
    assert.ok(waitedMs >= 2100)
  })

  it('refuses our hold with 488: the call continues, and the command says why', async () => {
    const callId = await start('hold-refused', [
      sip.expectRequest('INVITE'),
      sip.answer(),
      sip.expectRequest('ACK'),
      sip.expectRequest('INVITE'),
      sip.refuseAgain('488 Not Acceptable Here'),
      sip.expectRequest('ACK'),
      sip.expectRequest('BYE'),
      sip.accept,
    ])
    await phone.event('call.answered', { callId })
    await assert.rejects(phone.call('hold', { callId }), /refused the hold: 488 Not Acceptable Here/)
    await phone.call('hangup', { callId })
    await callee.finished()
    const { end } = await phone.event('call.ended', { callId })
    assert.deepEqual([end.by, end.cause], ['local', 'normal'])
  })

  it('challenges with 401 and then with 407: each is answered once, with the right digest', async () => {
    const callId = await start('challenge', challengingCallee, { authUser: 'alice', password: PASSWORD })
    await phone.event('call.answered', { callId })
    await phone.call('hangup', { callId })
    await callee.finished()

    const invites = callee.messages().filter(({ startLine }) => /^INVITE /.test(startLine))
    assert.equal(invites.length, 3)
    assertDigest(invites[1], 'Authorization', 'md5')
    // Credentials for an earlier realm are kept when the next realm asks (RFC 3261 22.3).
    assertDigest(invites[2], 'Authorization', 'md5')
    assertDigest(invites[2], 'Proxy-Authorization', 'sha256')
    // RFC 3261 22.2: the same Call-ID, and a higher CSeq.
    assert.equal(new Set(invites.map(({ text }) => /^Call-ID: (.*)$/im.exec(text)?.[1])).size, 1)
    const cseqs = invites.map(({ text }) => Number(/^CSeq: (\d+)/im.exec(text)?.[1]))
    assert.deepEqual(cseqs, [cseqs[0], (cseqs[0] ?? 0) + 1, (cseqs[0] ?? 0) + 2])
    assert.ok(!callee.messages().some(({ text }) => text.includes(PASSWORD)))
    console.log(`      CSeq ${cseqs.join(', ')}; digests MD5 and SHA-256 verified`)
  })

  it('challenges 20 calls at once with the same nonces: all are answered', async () => {
    const account = { authUser: 'alice', password: PASSWORD }
    const calls = 20
    const first = await start('challenge-many', challengingCallee, account, { calls })
    const others = Array.from({ length: calls - 1 }, () => phone.dial(`sip:service@${callee.address}`))
    for (const callId of [first, ...(await Promise.all(others))]) {
      await phone.event('call.answered', { callId })
      await phone.call('hangup', { callId })
    }
    const { ok, failed } = await callee.finished()
    assert.deepEqual([ok, failed], [calls, 0])
    const counts = phone.messages('out', /^INVITE /).map((text) => /nc=(\w+)/.exec(text)?.[1])
    assert.equal(counts.filter((count) => count === '00000001').length, 1, 'RFC 7616 3.4: each use of a nonce counts')
  })

  it('calls our nonce stale: the new one is answered', async () => {
    const stale = WWW_CHALLENGE.replace('nonce="n1"', 'nonce="n3", stale=true')
    const refuseOnce = (challenge: string) => [
      sip.expectRequest('INVITE'),
      sip.refuse('401 Unauthorized', [challenge]),
      sip.expectRequest('ACK'),
    ]
    const answered = sip.expectRequest('INVITE', { checks: [{ header: 'Authorization', search: 'nonce=.n3' }] })
    const rest = [sip.answer(), sip.expectRequest('ACK'), sip.expectRequest('BYE'), sip.accept]
    const steps = [...refuseOnce(WWW_CHALLENGE), ...refuseOnce(stale), answered, ...rest]
    const callId = await start('stale', steps, { authUser: 'alice', password: PASSWORD })
    await phone.event('call.answered', { callId })
    await phone.call('hangup', { callId })
    await callee.finished()
    assertDigest(
      callee.messages().findLast(({ startLine }) => /^INVITE /.test(startLine)),
      'Authorization',
      'md5',
    )
  })

  it('challenges for ever: we do not', async () => {
    const callId = await start(
      'challenge-again',
      [
        sip.expectRequest('INVITE'),
        sip.refuse('401 Unauthorized', [WWW_CHALLENGE]),
        sip.expectRequest('ACK'),
        sip.expectRequest('INVITE'),
        sip.refuse('401 Unauthorized', [WWW_CHALLENGE]),
        sip.expectRequest('ACK'),
      ],
      { password: PASSWORD },
    )
    const { end } = await phone.event('call.ended', { callId })
    await callee.finished()
    assert.equal(end.sipCode, 401)
  })

  it('never answers: our ring timeout sends CANCEL, 487 is acknowledged', async () => {
    const callId = await start('no-answer', silentCallee, { ringTimeoutMs: 1000 })
    const { end } = await phone.event('call.ended', { callId })
    await callee.finished()
    assert.equal(end.cause, 'no-answer')
    assert.equal(end.by, 'local')
  })

  it('rings, and we hang up: CANCEL', async () => {
    const callId = await start('cancelled', silentCallee)
    await phone.event('call.ringing', { callId })
    await phone.call('hangup', { callId })
    const { end } = await phone.event('call.ended', { callId })
    await callee.finished()
    assert.deepEqual([end.by, end.cause], ['local', 'cancelled'])
  })

  it('answers just as we cancel: the late 200 is acknowledged and ended with BYE', async () => {
    const callId = await start('late-answer', [
      sip.expectRequest('INVITE', { keepInvite: true }),
      sip.provisional('180 Ringing'),
      sip.expectRequest('CANCEL'),
      sip.accept,
      sip.answerLate(),
      sip.expectRequest('ACK'),
      sip.expectRequest('BYE'),
      sip.accept,
    ])
    await phone.event('call.ringing', { callId })
    await phone.call('hangup', { callId })
    await callee.finished()
    const { end } = await phone.event('call.ended', { callId })
    assert.equal(end.by, 'local')
    assert.equal(phone.events.filter((event) => event.type === 'call.ended').length, 1)
  })

  it('has lost our ACK and answers again: we acknowledge again and the call stands', async () => {
    const lostAck = [
      sip.expectRequest('INVITE', { keepInvite: true }),
      sip.answer(),
      sip.expectRequest('ACK'),
      sip.pause(200),
      sip.answerAgain(),
      sip.expectRequest('ACK'),
      sip.expectRequest('BYE'),
      sip.accept,
    ]
    const callId = await start('ack-lost', lostAck, {}, { seesRetransmissions: true })
    await phone.event('call.answered', { callId })
    await phone.message('out', /^ACK /, { count: 2 })
    const [call] = await phone.call('calls', null)
    assert.equal(call?.state, 'answered')
    await phone.call('hangup', { callId })
    await callee.finished()
    assert.equal(phone.events.filter((event) => event.type === 'call.answered').length, 1)
  })

  it('sends 183 with early media, then 200', async () => {
    const callId = await start('early', [
      sip.expectRequest('INVITE'),
      sip.provisional('183 Session Progress', {}),
      sip.pause(300),
      sip.answer(),
      sip.expectRequest('ACK'),
      sip.expectRequest('BYE'),
      sip.accept,
    ])
    await phone.event('call.early', { callId })
    await phone.event('call.answered', { callId })
    await phone.call('hangup', { callId })
    await callee.finished()
  })
})

const WWW_CHALLENGE = `WWW-Authenticate: Digest realm="${REALM}", nonce="n1", qop="auth", algorithm=MD5, opaque="o1"`
const PROXY_CHALLENGE = `Proxy-Authenticate: Digest realm="proxy.${REALM}", nonce="n2", qop="auth", algorithm=SHA-256`

const challengingCallee: sip.Step[] = [
  sip.expectRequest('INVITE'),
  sip.refuse('401 Unauthorized', [WWW_CHALLENGE]),
  sip.expectRequest('ACK'),
  sip.expectRequest('INVITE', { checks: [{ header: 'Authorization', search: 'Digest' }] }),
  sip.refuse('407 Proxy Authentication Required', [PROXY_CHALLENGE]),
  sip.expectRequest('ACK'),
  sip.expectRequest('INVITE', { checks: [{ header: 'Proxy-Authorization', search: 'Digest' }] }),
  sip.provisional('180 Ringing'),
  sip.answer(),
  sip.expectRequest('ACK'),
  sip.expectRequest('BYE'),
  sip.accept,
]

const silentCallee: sip.Step[] = [
  sip.expectRequest('INVITE', { keepInvite: true }),
  sip.provisional('180 Ringing'),
  sip.expectRequest('CANCEL'),
  sip.accept,
  sip.refuseCancelled,
  sip.expectRequest('ACK'),
]

/** RFC 7616 3.4.1 with qop=auth, computed independently of the code under test. */
function assertDigest(invite: SippMessage | undefined, header: string, algorithm: 'md5' | 'sha256'): void {
  const text = invite?.text ?? ''
  const line = new RegExp(`^${header}: Digest (.*)$`, 'im').exec(text)?.[1] ?? ''
  const fields = new Map([...line.matchAll(/(\w+)=(?:"([^"]*)"|([^\s,]+))/g)].map((m) => [m[1], m[2] ?? m[3] ?? '']))
  const of = (name: string) => fields.get(name) ?? ''
  const hash = (words: string[]) => createHash(algorithm).update(words.join(':')).digest('hex')
  assert.equal(of('username'), 'alice')
  assert.equal(of('uri'), text.split(' ')[1])
  assert.match(of('nc'), /^[0-9a-f]{8}$/)
  const secret = hash([of('username'), of('realm'), PASSWORD])
  const request = hash(['INVITE', of('uri')])
  assert.equal(of('response'), hash([secret, of('nonce'), of('nc'), of('cnonce'), of('qop'), request]))
}
