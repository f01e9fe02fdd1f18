import assert from 'node:assert/strict'
import { TelephonyError } from '../../../src/base/errors.js'
import { takeCall } from '../../../src/call/call.js'
import { FakeIncomingInvite, sdpBody } from '../../support/fake-user-agent.js'
import { account, flowRule, incoming, incomingAnswered, peerSdp, World } from './call-fixture.js'

describe('incoming call', () => {
  it('is told with who calls whom, and nothing is sent or opened before somebody decides', () => {
    const { events, invite, media } = incoming({ headers: { 'x-ticket': '42', 'X-Other': 'hidden' } })
    assert.equal(events.length, 1)
    const [told] = events
    assert.equal(told?.type, 'call.incoming')
    assert.equal(told?.owner, 'node2')
    const { from, to, headers, direction, state, sipCallId } = told?.call ?? {}
    assert.deepEqual(from, { uri: 'sip:bob@example.com', user: 'bob', displayName: 'Bob' })
    assert.deepEqual(to, { uri: 'sip:alice@example.com', user: 'alice' })
    assert.deepEqual(headers, { 'X-Ticket': '42' })
    assert.deepEqual([direction, state, sipCallId], ['inbound', 'trying', 'peer-call-id'])
    assert.deepEqual([invite.progresses, invite.accepts, invite.rejects], [[], [], []])
    assert.equal(media.sessions.length, 0)
  })

  it('rings where the rule says so, or on command, and is told once', () => {
    const ringing = incoming({ rule: { ...flowRule, sendRinging: true } })
    assert.deepEqual(ringing.invite.progresses, [180])
    assert.deepEqual(ringing.types, ['call.incoming', 'call.ringing'])
    const silent = incoming()
    silent.call.ring()
    silent.call.ring()
    assert.deepEqual(silent.invite.progresses, [180, 180])
    assert.deepEqual(silent.types, ['call.incoming', 'call.ringing'])
  })

  it('answers with one codec and connects media before the 200 is sent', async () => {
    const { call, invite, session, types } = await incomingAnswered()
    const [accepted] = invite.accepts
    assert.match(accepted?.body.content ?? '', new RegExp(`^m=audio ${session.local.port} RTP/AVP 8 101\r$`, 'm'))
    assert.equal(session.connects.length, 1)
    assert.equal(session.connects[0]?.timeoutMs, 30_000)
    assert.deepEqual(types, ['call.incoming', 'call.answered'])
    assert.equal(call.snapshot().codec, 'PCMA')
    assert.equal(call.snapshot().answeredAt, '2026-01-01T00:00:00.000Z')
  })

  it('is answered at once by rule', async () => {
    const { invite, types, call } = incoming({ rule: { ...flowRule, mode: 'answer', decideMs: 0 } })
    await new Promise(setImmediate)
    assert.equal(invite.accepts.length, 1)
    assert.deepEqual(types, ['call.incoming', 'call.answered'])
    assert.equal(call.snapshot().state, 'answered')
  })

  describe('that rings before the rule answers it', () => {
    const rule = { ...flowRule, mode: 'answer', ringMs: 3_000 } as const

    it('gets 180 at once, and 200 when the time is over', async () => {
      const { invite, types, clock } = incoming({ rule })
      assert.deepEqual([invite.progresses, invite.accepts.length], [[180], 0])
      assert.deepEqual(types, ['call.incoming', 'call.ringing'])
      await clock.advance(2_999)
      assert.equal(invite.accepts.length, 0)
      await clock.advance(1)
      await new Promise(setImmediate)
      assert.equal(invite.accepts.length, 1)
      assert.deepEqual(types, ['call.incoming', 'call.ringing', 'call.answered'])
    })

    it('is a missed call where the caller cancels meanwhile', async () => {
      const { invite, types, call, clock } = incoming({ rule })
      invite.handlers.cancelled?.([])
      const { cause, by } = await call.ended
      assert.deepEqual([cause, by], ['cancelled', 'remote'])
      assert.equal(clock.pending, 0)
      await clock.advance(5_000)
      assert.equal(invite.accepts.length, 0)
      assert.deepEqual(types, ['call.incoming', 'call.ringing', 'call.ended'])
    })

    it('can be answered earlier by a flow', async () => {
      const { invite, call, clock } = incoming({ rule })
      await call.answer()
      await clock.advance(5_000)
      assert.equal(invite.accepts.length, 1)
    })
  })

  for (const [status, cause] of [
    [486, 'busy'],
    [480, 'no-answer'],
    [603, 'rejected'],
    [404, 'rejected'],
  ] as const) {
    it(`that we refuse with ${status} counts as ${cause}`, async () => {
      const { call } = incoming()
      call.reject(status)
      assert.equal((await call.ended).cause, cause)
    })
  }

  it('is rejected by rule without ever being told as incoming', async () => {
    const scene = incoming({ rule: { ...flowRule, mode: 'reject', rejectStatus: 486 } })
    const end = await scene.call.ended
    assert.deepEqual(scene.invite.rejects, [{ status: 486 }])
    assert.deepEqual([end.by, end.cause, end.sipCode], ['local', 'busy', 486])
    assert.deepEqual(scene.types, ['call.ended'])
  })

  for (const [what, offer, status, why] of [
    ['only codecs that we do not have', peerSdp({ codecs: '18' }), 488, /G729.*we have PCMA, PCMU/],
    ['no SDP that can be read', 'nonsense', 400, /does not begin with v=0/],
    ['an address that would end the text', peerSdp({ codecs: '18', host: 'x"\\é' }), 488, /at x''\?,/],
  ] as const) {
    it(`with ${what} gets ${status}, opens nothing and is told only as ended`, async () => {
      const { invite, call, types, media } = incoming({ offer })
      const end = await call.ended
      const [{ headers, ...rejected } = {}, ...more] = invite.rejects
      assert.deepEqual([rejected, more], [{ status }, []])
      const [[name, text] = []] = headers ?? []
      assert.equal(name, 'Warning')
      assert.match(text ?? '', /^399 ringflow "[ !#-~]*"$/)
      assert.match(text ?? '', why)
      assert.deepEqual([end.by, end.cause, end.sipCode], ['error', 'failed', status])
      assert.deepEqual(types, ['call.ended'])
      assert.equal(media.sessions.length, 0)
    })
  }

  it('gets 503 where no port is free', async () => {
    const world = new World()
    world.media.openError = new TelephonyError('NO_PORTS', 'none left')
    const { call, invite } = incoming({ world })
    await assert.rejects(call.answer(), { code: 'NO_PORTS' })
    assert.deepEqual(invite.rejects, [{ status: 503 }])
    assert.equal((await call.ended).cause, 'failed')
  })

  it('still waits for a decision when the answer’s headers were refused', async () => {
    const { call, invite, clock } = incoming()
    invite.acceptError = new TelephonyError('BAD_HEADER', 'line break')
    await assert.rejects(call.answer({ headers: { 'X-A': 'b\r\nc' } }), { code: 'BAD_HEADER' })
    assert.equal(clock.pending, 1)
    invite.acceptError = undefined
    await call.answer({ headers: { 'X-A': 'b' } })
    assert.deepEqual(invite.accepts[0]?.headers, [['X-A', 'b']])
    assert.equal(clock.pending, 0)
  })

  it('is not answered twice', async () => {
    const { call, invite } = incoming()
    const first = call.answer()
    await assert.rejects(call.answer(), { code: 'WRONG_STATE' })
    await first
    await assert.rejects(call.answer(), { code: 'WRONG_STATE' })
    assert.equal(invite.accepts.length, 1)
  })

  it('that ended while it was being answered says so and leaves no port open', async () => {
    const { call, invite, media } = incoming()
    const answered = call.answer()
    invite.cancel()
    await assert.rejects(answered, { code: 'CALL_ENDED' })
    assert.deepEqual(invite.accepts, [])
    assert.equal((await call.ended).cause, 'cancelled')
    assert.equal(media.openSessions, 0)
  })

  it('that has ended takes no decision any more', async () => {
    const { call, invite } = incoming()
    invite.cancel()
    await assert.rejects(call.answer(), { code: 'CALL_ENDED' })
    assert.throws(() => call.ring(), { code: 'CALL_ENDED' })
    assert.throws(() => call.reject(486), { code: 'CALL_ENDED' })
    await call.ended
    assert.deepEqual([invite.progresses, invite.rejects], [[], []])
  })

  it('whose offer is not SDP gets 488', async () => {
    const world = new World()
    const invite = new FakeIncomingInvite({ contentType: 'multipart/mixed;boundary=x', content: peerSdp() })
    const call = takeCall(world.deps, invite, { account, owner: null, rule: flowRule })
    assert.equal((await call.ended).sipCode, 488)
  })

  it('is rejected with the words given; others would not fit into a status line', async () => {
    const { call, invite } = incoming()
    for (const breaker of ['\r', '\n', '\0', '\u2028', '\u2029']) {
      assert.throws(() => call.reject(486, `a${breaker}b`), { code: 'BAD_HEADER' })
      assert.throws(() => call.redirect(['sip:x@y'], `a${breaker}b`), { code: 'BAD_HEADER' })
    }
    assert.throws(() => call.reject(486, 'a'.repeat(129)), { code: 'BAD_ARGUMENT' })
    assert.throws(() => call.reject(200), { code: 'BAD_ARGUMENT' })
    assert.throws(() => call.reject(700), { code: 'BAD_ARGUMENT' })
    call.reject(404, 'Not here')
    assert.deepEqual(invite.rejects, [{ status: 404, reason: 'Not here' }])
    assert.deepEqual(await call.ended, { by: 'local', cause: 'rejected', sipCode: 404, reason: 'Not here' })
  })

  it('without offer gets ours in the 200, and media when the ACK brings the answer', async () => {
    const scene = incoming({ offer: null })
    const { call, invite, types } = scene
    const answered = call.answer()
    await new Promise(setImmediate)
    const { session } = scene
    assert.match(invite.accepts[0]?.body.content ?? '', /RTP\/AVP 8 0 101/)
    assert.equal(session.connects.length, 0)
    await assert.rejects(call.play('p', { kind: 'file', path: '/x.wav' }), { code: 'WRONG_STATE' })
    assert.deepEqual(types, ['call.incoming'], 'who hears of an answered call may play at once')
    invite.dialog.handlers.acknowledged?.(sdpBody(peerSdp({ codecs: '0 101' })))
    await answered
    assert.equal(session.connects[0]?.codec, 'PCMU')
    assert.equal(call.snapshot().codec, 'PCMU')
    assert.deepEqual(types, ['call.incoming', 'call.answered'])
  })

  for (const [what, body] of [
    ['brings no answer', undefined],
    ['brings nonsense', sdpBody('nonsense')],
  ] as const) {
    it(`hangs up where the ACK to our offer ${what}`, async () => {
      const { call, invite } = incoming({ offer: null })
      const answered = assert.rejects(call.answer(), { code: 'CALL_ENDED' })
      await new Promise(setImmediate)
      invite.dialog.handlers.acknowledged?.(body)
      await answered
      assert.deepEqual([(await call.ended).cause, invite.dialog.byes], ['failed', 1])
    })
  }

  it('held from the first offer on is told so after its answer', async () => {
    const scene = incoming({ offer: peerSdp({ direction: 'sendonly' }) })
    await scene.call.answer()
    assert.deepEqual(scene.types, ['call.incoming', 'call.answered', 'call.held'])
    assert.equal(scene.last('call.held').direction, 'sendonly')
    assert.equal(scene.call.snapshot().state, 'held')
  })

  it('outlives a listener that throws', async () => {
    const world = new World()
    const onEvent = () => {
      throw new Error('listener')
    }
    const { call, invite, logged } = incoming({ world: Object.assign(world, { onEvent }) })
    await call.answer()
    assert.deepEqual(logged, Array(2).fill('a listener of call events threw'))
    await call.hangup()
    assert.equal(invite.dialog.byes, 1)
  })
})
