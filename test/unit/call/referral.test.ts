/** The peer transfers us (RFC 3515, 5589): what is refused, what is called, what is reported, and where the call goes on. */
import assert from 'node:assert/strict'
import { deferred } from '../../../src/base/deferred.js'
import { TelephonyError } from '../../../src/base/errors.js'
import type { TransferPolicy, TransferRules } from '../../../src/call/call.js'
import { FakeDialog, FakeIncomingInvite, request, response, sdpBody } from '../../support/fake-user-agent.js'
import { turn } from '../../support/memory-wire.js'
import { uriOf } from '../../support/uri.js'
import { dialled, dialledAndAnswered, peerSdp } from './call-fixture.js'

const CAROL = '<sip:carol@example.com>'

async function talking(policy: TransferPolicy = 'follow', blocked = false) {
  const transfers: TransferRules = {
    policyOf: () => policy,
    placeOf: (_account, uri) => {
      if (blocked) throw new TelephonyError('TARGET_BLOCKED', 'blocked')
      return { userAgent: scene.userAgent, target: { uri: uriOf(uri), user: 'carol' }, ringTimeoutMs: 30_000 }
    },
  }
  const scene = await dialledAndAnswered({}, { transfers })
  const { userAgent, dialog } = scene
  const refer = (referTo: string | undefined = CAROL, headers: Record<string, string> = {}) =>
    dialog.offer(undefined, 'REFER', { ...(referTo === undefined ? {} : { 'Refer-To': referTo }), ...headers })
  const reports = () =>
    dialog.sent.flatMap(({ method, headers, body }) =>
      method === 'NOTIFY' ? [`${body.trim()} | ${headers.get('Subscription-State')}`] : [],
    )
  return Object.assign(scene, { refer, reports, invite: () => userAgent.invites[1] })
}

describe('a transfer that the peer asks for', () => {
  it('is declined with 603 without a policy, and by the policy deny', async () => {
    const { dialog } = await dialledAndAnswered()
    assert.equal(dialog.offer(undefined, 'REFER', { 'Refer-To': CAROL }).rejected, 603)
    const { refer, userAgent } = await talking('deny')
    assert.equal(refer().rejected, 603)
    assert.equal(userAgent.invites.length, 1)
  })

  it('to a target that the account may not call is refused with 403', async () => {
    const { refer, userAgent } = await talking('follow', true)
    assert.equal(refer('<sip:0900123@example.com>').rejected, 403)
    assert.equal(userAgent.invites.length, 1)
  })

  it('with an unusable Refer-To is refused', async () => {
    const { refer, dialog, userAgent } = await talking()
    assert.equal(dialog.offer(undefined, 'REFER', {}).rejected, 400)
    assert.equal(refer('nonsense').rejected, 400)
    assert.equal(refer('<sip:c@h?Replaces=x>').rejected, 400)
    assert.equal(refer('<sip:c@h;method=BYE>').rejected, 501)
    assert.equal(userAgent.invites.length, 1)
  })

  it('is followed: INVITE, reports, and the call goes on in the new dialog with its id, media and owner', async () => {
    const { refer, reports, invite, dialog, call, last, types, session, media } = await talking()
    const answer = refer(CAROL, { 'Referred-By': '<sip:bob@example.com>' })
    assert.equal(answer.accepted?.status, 202)
    assert.deepEqual(
      invite()?.init.headers?.map(([name, value]) => `${name}: ${value}`),
      ['Referred-By: <sip:bob@example.com>'],
    )
    invite()?.handlers.progress(response(180, { reason: 'Ringing' }))
    const next = Object.assign(new FakeDialog(), { sipCallId: 'next' })
    const before = session.connects.length
    invite()?.answer(sdpBody(peerSdp({ host: '192.0.2.44', port: 4444 })), {}, next)
    await turn()
    assert.deepEqual(reports(), [
      'SIP/2.0 100 Trying | active;expires=300',
      'SIP/2.0 180 Ringing | active;expires=300',
      'SIP/2.0 200 Status 200 | terminated;reason=noresource',
    ])
    assert.equal(dialog.byes, 1)
    assert.equal(session.connects.length, before + 1)
    assert.deepEqual(session.connects.at(-1)?.remote.host, '192.0.2.44')
    assert.equal(media.sessions.length, 1)
    const { to, call: snapshot, owner } = last('call.transferred')
    assert.deepEqual(
      [to.uri, snapshot.sipCallId, snapshot.state, owner],
      ['sip:carol@example.com', 'next', 'answered', 'node1'],
    )
    assert.equal(types.filter((type) => type === 'call.answered').length, 1)
    // The earlier peer has nothing to say any more; the new one ends the call.
    dialog.handlers.bye?.(request('BYE'))
    assert.equal(call.snapshot().state, 'answered')
    next.handlers.bye?.(request('BYE'))
    await turn()
    assert.equal(last('call.ended').end.cause, 'normal')
  })

  it('carries Replaces of the Refer-To into the INVITE, and no other header (RFC 3891 5)', async () => {
    const { refer, invite } = await talking()
    refer('<sip:carol@example.com?Replaces=x%40y%3Bto-tag%3D1%3Bfrom-tag%3D2&Route=%3Csip%3Aevil%3E>')
    assert.deepEqual(invite()?.init.headers, [
      ['Replaces', 'x@y;to-tag=1;from-tag=2'],
      ['Require', 'replaces'],
    ])
    assert.equal(String(invite()?.init.target), 'sip:carol@example.com')
  })

  it('Refer-Sub: false: no reports, and the 202 says so (RFC 4488)', async () => {
    const { refer, reports, invite } = await talking()
    assert.deepEqual(refer(CAROL, { 'Refer-Sub': 'false' }).accepted?.headers, [['Refer-Sub', 'false']])
    invite()?.answer(sdpBody(peerSdp()))
    await turn()
    assert.deepEqual(reports(), [])
  })

  for (const [what, act, status] of [
    ['refuses', (s: Awaited<ReturnType<typeof talking>>) => s.invite()?.handlers.failed(response(486)), 486],
    ['does not answer', (s: Awaited<ReturnType<typeof talking>>) => s.clock.advance(30_000), 408],
    ['answers without SDP', (s: Awaited<ReturnType<typeof talking>>) => s.invite()?.answer(), 488],
  ] as const)
    it(`a target that ${what}: the last report and the event say so, and the call goes on`, async () => {
      const scene = await talking()
      scene.refer()
      act(scene)
      await turn()
      assert.match(scene.reports().at(-1) ?? '', new RegExp(`^SIP/2.0 ${status} .*terminated`))
      assert.equal(scene.last('call.transfer-failed').status, status)
      assert.deepEqual([scene.call.snapshot().state, scene.dialog.byes], ['answered', 0])
      assert.equal(scene.clock.pending, 0)
      assert.equal(scene.refer().accepted?.status, 202, 'another transfer is possible')
    })

  it('a second REFER meanwhile is refused; later ones have an id in their reports; after ten the call is a loop', async () => {
    const { refer, invite, userAgent, dialog } = await talking()
    assert.ok(refer().accepted)
    assert.equal(refer().rejected, 491)
    invite()?.handlers.failed(response(486))
    for (let n = 2; n <= 10; n++) {
      assert.ok(refer().accepted, String(n))
      userAgent.invites.at(-1)?.handlers.failed(response(486))
    }
    await turn()
    assert.deepEqual([...new Set(dialog.sent.map(({ headers }) => headers.get('Event')))], ['refer', 'refer;id=1'])
    assert.equal(refer().rejected, 482)
  })

  it('a peer that hangs up after the 202 leaves the call to its target', async () => {
    const { refer, invite, dialog, call, last, session } = await talking()
    refer()
    dialog.handlers.bye?.(request('BYE'))
    assert.deepEqual([session.connects.at(-1)?.direction, session.connects.at(-1)?.timeoutMs], ['inactive', 0])
    assert.equal(call.snapshot().state, 'answered')
    invite()?.answer(sdpBody(peerSdp()))
    await turn()
    assert.equal(last('call.transferred').to.user, 'carol')
    assert.equal(session.connects.at(-1)?.direction, 'sendrecv')
    assert.equal(dialog.byes, 0)
  })

  it('a peer that hangs up, and a target that refuses: the call ends', async () => {
    const { refer, invite, dialog, last } = await talking()
    refer()
    dialog.handlers.bye?.(request('BYE'))
    invite()?.handlers.failed(response(486))
    await turn()
    assert.deepEqual([last('call.ended').end.by, last('call.ended').end.cause], ['remote', 'busy'])
  })

  it('a hangup cancels the INVITE to the target', async () => {
    const { refer, invite, call, clock } = await talking()
    refer()
    await call.hangup()
    assert.equal(invite()?.cancels, 1)
    assert.equal(clock.pending, 0)
  })

  it('by the flow: asked, declined in time or by the time limit, accepted once', async () => {
    const scene = await talking('flow')
    const { refer, reports, call, clock, invite } = scene
    assert.throws(() => call.acceptTransfer(), { code: 'WRONG_STATE' })
    assert.equal(refer().accepted?.status, 202)
    assert.deepEqual([scene.last('call.transfer-request').to.user, invite()], ['carol', undefined])
    assert.throws(() => call.denyTransfer(200), { code: 'BAD_ARGUMENT' })
    call.denyTransfer(403)
    await turn()
    assert.match(reports().at(-1) ?? '', /^SIP\/2\.0 403 Declined \| terminated;reason=rejected/)
    refer()
    clock.advance(20_000)
    await turn()
    assert.match(reports().at(-1) ?? '', /^SIP\/2\.0 603 Declined \| terminated;reason=rejected/)
    assert.throws(() => call.acceptTransfer(), { code: 'WRONG_STATE' })
    refer()
    call.acceptTransfer()
    assert.throws(() => call.acceptTransfer(), { code: 'WRONG_STATE' })
    assert.ok(invite())
  })
})

describe('an INVITE that takes the place of the peer (RFC 3891 3)', () => {
  it('continues the call in the new dialog, and ends the old one', async () => {
    const { call, dialog, last, session } = await dialledAndAnswered()
    const invite = new FakeIncomingInvite(sdpBody(peerSdp({ host: '192.0.2.55' })))
    Object.assign(invite.dialog, { sipCallId: 'taken-over' })
    call.replaceBy(invite)
    await turn()
    assert.equal(invite.accepts.length, 1)
    assert.equal(session.connects.at(-1)?.remote.host, '192.0.2.55')
    assert.deepEqual(
      [last('call.replaced').from.user, call.snapshot().sipCallId, dialog.byes],
      ['bob', 'taken-over', 1],
    )
    invite.dialog.handlers.bye?.(request('BYE'))
    await turn()
    assert.equal(last('call.ended').end.cause, 'normal')
  })

  it('without an offer gets ours, and the sound moves with the ACK', async () => {
    const { call, session } = await dialledAndAnswered()
    const invite = new FakeIncomingInvite()
    call.replaceBy(invite)
    assert.match(invite.accepts[0]?.body.content ?? '', /m=audio/)
    const before = session.connects.length
    invite.dialog.handlers.acknowledged?.(sdpBody(peerSdp({ host: '192.0.2.56' })))
    assert.equal(session.connects.length, before + 1)
    assert.equal(session.connects.at(-1)?.remote.host, '192.0.2.56')
  })

  it('the host name of the earlier peer, looked up too late, does not take the sound back', async () => {
    const address = deferred<readonly string[]>()
    const scene = await dialled({}, { lookup: () => address.promise })
    scene.userAgent.invite0.answer(sdpBody(peerSdp({ host: 'slow.example.com' })))
    const invite = new FakeIncomingInvite(sdpBody(peerSdp({ host: '192.0.2.55' })))
    scene.call.replaceBy(invite)
    address.resolve(['192.0.2.66'])
    await turn()
    assert.equal(scene.session.connects.at(-1)?.remote.host, '192.0.2.55')
  })

  it('with an offer that cannot be answered gets 488, and the call stays as it is', async () => {
    const { call, dialog } = await dialledAndAnswered()
    const invite = new FakeIncomingInvite(sdpBody(peerSdp({ codecs: '18' })))
    call.replaceBy(invite)
    assert.deepEqual([invite.rejects[0]?.status, dialog.byes, call.snapshot().state], [488, 0, 'answered'])
  })

  it('gets 603 for a call that has ended', async () => {
    const { call } = await dialledAndAnswered()
    await call.hangup()
    const invite = new FakeIncomingInvite(sdpBody(peerSdp()))
    call.replaceBy(invite)
    assert.equal(invite.rejects[0]?.status, 603)
  })
})
