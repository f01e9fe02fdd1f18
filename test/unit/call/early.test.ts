/** Early media that we send: sound before the answer. */
import assert from 'node:assert/strict'
import { TelephonyError } from '../../../src/base/errors.js'
import type { PromptSource } from '../../../src/media/protocol.js'
import { sdpBody } from '../../support/fake-user-agent.js'
import { incoming, peerSdp } from './call-fixture.js'

const tone: PromptSource = { kind: 'tone', hz: [425], durationMs: 100, levelDbfs: -12 }

describe('early media of an incoming call', () => {
  it('brings sound and no answer; the 200 repeats its SDP and media goes on', async () => {
    const scene = incoming()
    await scene.call.early()
    const { call, invite, session, types } = scene
    assert.deepEqual(invite.progresses, [183])
    assert.match(invite.progressBodies[0]?.content ?? '', /^m=audio \d+ RTP\/AVP 8 101\r$/m)
    assert.deepEqual(types, ['call.incoming', 'call.early'])
    assert.equal(call.snapshot().state, 'early')
    assert.equal(session.connects[0]?.timeoutMs, 0, 'early media may pause as it likes')
    void call.play('p', tone)
    assert.equal(session.plays.length, 1)
    await call.answer()
    assert.deepEqual(invite.accepts[0]?.body, invite.progressBodies[0], 'RFC 6337 2.2: the same answer')
    assert.equal(session.plays[0]?.state, 'playing', 'what plays is not cut by the answer')
    assert.equal(session.connects.at(-1)?.timeoutMs, 30_000)
    assert.deepEqual(types, ['call.incoming', 'call.early', 'call.answered'])
  })

  it('is not billed: the time of talking begins with the answer', async () => {
    const scene = incoming()
    await scene.call.early()
    scene.clock.advance(5000)
    await scene.call.answer()
    scene.clock.advance(2000)
    await scene.call.hangup()
    const { cdr } = scene.last('call.ended')
    assert.deepEqual([cdr.talkMs, cdr.durationMs], [2000, 7000])
    const refused = incoming()
    await refused.call.early()
    refused.clock.advance(5000)
    refused.call.reject(486)
    await refused.call.ended
    assert.equal(refused.last('call.ended').cdr.talkMs, 0)
  })

  it('collects digits and records before the answer', async () => {
    const scene = incoming()
    await scene.call.early()
    await scene.call.startRecord('r', '/rec/early.wav')
    const gathered = scene.call.gather({
      bargeIn: true,
      minDigits: 1,
      maxDigits: 1,
      terminators: '',
      accept: '',
      firstDigitMs: 1000,
      interDigitMs: 1000,
      clearBuffer: false,
    })
    scene.session.happen('digit', '7', 160)
    assert.equal((await gathered).digits, '7')
  })

  it('a 180 after it carries the SDP too, so that nobody takes it for the end of the sound', async () => {
    const { call, invite, types } = incoming()
    await call.early()
    call.ring()
    assert.deepEqual(invite.progresses, [183, 180])
    assert.deepEqual(invite.progressBodies[1], invite.progressBodies[0])
    assert.deepEqual(types, ['call.incoming', 'call.early', 'call.ringing'])
    assert.equal(call.snapshot().state, 'early')
  })

  it('is told once, however often it is asked for', async () => {
    const { call, invite, types, media } = incoming()
    await Promise.all([call.early(), call.early()])
    assert.deepEqual(invite.progresses, [183, 183])
    assert.deepEqual(types, ['call.incoming', 'call.early'])
    assert.equal(media.sessions.length, 1)
  })

  it('is said again every minute, for the proxies (RFC 3261 13.3.1.1), and ends after three', async () => {
    const { call, invite, clock } = incoming()
    await call.early()
    clock.advance(60_000)
    clock.advance(60_000)
    assert.deepEqual(invite.progresses, [183, 183, 183])
    assert.deepEqual(invite.progressBodies[2], invite.progressBodies[0])
    clock.advance(59_999)
    assert.equal(call.snapshot().end, null)
    clock.advance(1)
    const { by, cause, sipCode } = await call.ended
    assert.deepEqual([by, cause, sipCode], ['local', 'no-answer', 480])
    assert.equal(clock.pending, 0)
  })

  it('is refused where the INVITE had no offer; the call can still be answered', async () => {
    const { call, invite } = incoming({ offer: null })
    await assert.rejects(call.early(), { code: 'WRONG_STATE' })
    assert.deepEqual(invite.progresses, [])
    const answered = call.answer()
    await new Promise(setImmediate)
    assert.equal(invite.accepts.length, 1)
    invite.dialog.handlers.acknowledged?.(sdpBody(peerSdp()))
    await answered
  })

  it('gives up with the caller', async () => {
    const { call, invite, media } = incoming({ offer: peerSdp({ direction: 'recvonly' }) })
    const early = call.early()
    invite.cancel()
    await assert.rejects(early, (error) => TelephonyError.from(error).code === 'CALL_ENDED')
    await call.ended
    assert.deepEqual([invite.progresses, media.openSessions], [[], 0])
  })
})

describe('redirecting an incoming call', () => {
  it('sends 302 with the addresses in their order, and ends the call', async () => {
    const { call, invite } = incoming()
    call.redirect(['sip:+4930123@example.com', 'sip:bob@192.0.2.7;transport=udp'], 'Moved')
    const { by, cause, sipCode, reason } = await call.ended
    assert.deepEqual([by, cause, sipCode, reason], ['local', 'rejected', 302, 'Moved'])
    assert.deepEqual(invite.rejects, [
      {
        status: 302,
        reason: 'Moved',
        headers: [['Contact', '<sip:+4930123@example.com>, <sip:bob@192.0.2.7;transport=udp>']],
      },
    ])
  })

  it('needs an address, and a call that waits', async () => {
    const { call } = incoming()
    assert.throws(() => call.redirect([]), { code: 'BAD_TARGET' })
    assert.throws(() => call.redirect(Array(11).fill('sip:x@example.com')), { code: 'BAD_TARGET' })
    await call.answer()
    assert.throws(() => call.redirect(['sip:x@example.com']), { code: 'WRONG_STATE' })
  })
})
