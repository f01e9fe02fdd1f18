/** Offers and answers before the 2xx: reliable responses, PRACK, UPDATE, and calls without an offer of the caller. */
import assert from 'node:assert/strict'
import { placeCall } from '../../../src/call/call.js'
import type { EarlyProgress, SipBody } from '../../../src/sip/types.js'
import { FakeDialog, FakeIncomingInvite, response, sdpBody } from '../../support/fake-user-agent.js'
import { uriOf } from '../../support/uri.js'
import { account, dialled, dialledAndAnswered, incoming, peerSdp, type Scene, World } from './call-fixture.js'

const settle = () => new Promise(setImmediate)

/** A reliable response; `pracked` gets the bodies of its PRACK. */
function reliable(dialog: FakeDialog, pracked: SipBody[] = []): EarlyProgress {
  return {
    dialog,
    isReliable: true,
    prack: async (body) => {
      pracked.push(body)
      return response(200)
    },
  }
}

async function withoutOffer(): Promise<Scene> {
  const world = new World()
  const call = await placeCall(world.deps, {
    account,
    owner: null,
    target: { uri: uriOf('sip:bob@example.com'), user: 'bob' },
    ringTimeoutMs: 30_000,
    delayedOffer: true,
    onEvent: world.onEvent,
  })
  return Object.assign(world, { call })
}

const forkOf = (tag: string): FakeDialog => Object.assign(new FakeDialog(), { remoteTag: tag })

describe('an incoming call without an offer', () => {
  it('has early media, if the caller supports PRACK: our offer in the 183, the answer in the PRACK (RFC 3262 5)', async () => {
    const scene = incoming({ offer: null })
    scene.invite.isReliable = true
    const early = scene.call.early()
    await settle()
    assert.match(scene.invite.progressBodies[0]?.content ?? '', /RTP\/AVP 8 0 101/)
    assert.equal(scene.call.snapshot().state, 'trying', 'sound cannot flow yet')
    scene.invite.handlers.answered?.(sdpBody(peerSdp({ port: 31_000 })))
    await early
    assert.deepEqual([scene.call.snapshot().state, scene.session.connects[0]?.remote.port], ['early', 31_000])
    await scene.call.answer()
    assert.equal(scene.types.at(-1), 'call.answered', 'the ACK brings nothing new')
  })

  it('fails without an answer in the PRACK', async () => {
    const scene = incoming({ offer: null })
    scene.invite.isReliable = true
    const early = scene.call.early()
    await settle()
    scene.invite.handlers.answered?.(undefined)
    await early
    const end = await scene.call.ended
    assert.deepEqual([end.cause, end.sipCode, scene.invite.rejects[0]?.status], ['failed', 400, 400])
  })

  it('is told by 504 that the caller acknowledges nothing', async () => {
    const scene = incoming()
    scene.invite.isReliable = true
    await scene.call.early()
    scene.invite.handlers.unacknowledged?.()
    const end = await scene.call.ended
    assert.deepEqual([end.by, end.cause, end.sipCode, scene.invite.rejects.length], ['error', 'failed', 504, 0])
  })

  it('takes another offer of the caller before the answer (RFC 3311 5.2)', async () => {
    const scene = incoming()
    await scene.call.early()
    const dialog = new FakeDialog(false)
    const { request } = scene.invite.handlers
    if (request) dialog.handlers = { request }
    const offer = dialog.offer(sdpBody(peerSdp({ port: 32_000 })), 'UPDATE')
    assert.match(offer.accepted?.body?.content ?? '', /m=audio/)
    assert.equal(scene.session.connects.at(-1)?.remote.port, 32_000)
    assert.equal(dialog.offer(sdpBody('nonsense'), 'UPDATE').rejected, 400)
  })

  it('refuses another offer before there is sound', () => {
    const scene = incoming()
    const dialog = new FakeDialog(false)
    const { request } = scene.invite.handlers
    if (request) dialog.handlers = { request }
    assert.equal(dialog.offer(sdpBody(peerSdp()), 'UPDATE').rejected, 488)
    assert.ok(scene.invite instanceof FakeIncomingInvite)
  })
})

describe('a call that we place', () => {
  it('without an offer answers the offer of a reliable response in its PRACK (RFC 3262 5)', async () => {
    const scene = await withoutOffer()
    const { invite0 } = scene.userAgent
    assert.equal(invite0.init.body, undefined)
    const pracked: SipBody[] = []
    const dialog = new FakeDialog()
    invite0.handlers.progress(response(183, { body: sdpBody(peerSdp()) }), {
      ...reliable(dialog, pracked),
      isReliable: false,
    })
    assert.deepEqual([scene.types, pracked], [['call.trying'], []], 'an unreliable response carries no offer')
    invite0.handlers.progress(response(183, { body: sdpBody(peerSdp({ port: 31_000 })) }), reliable(dialog, pracked))
    assert.deepEqual(scene.types, ['call.trying', 'call.early'])
    assert.match(pracked[0]?.content ?? '', /RTP\/AVP 8 101/)
    invite0.handlers.answered(dialog, response(200))
    assert.deepEqual(scene.types.at(-1), 'call.answered')
    assert.equal(scene.session.connects.at(-1)?.remote.port, 31_000)
  })

  it('without an offer answers the offer of the 2xx in the ACK (RFC 3261 13.2.1)', async () => {
    const scene = await withoutOffer()
    let ack: SipBody | undefined
    scene.userAgent.invite0.handlers.answered(new FakeDialog(), response(200, { body: sdpBody(peerSdp()) }), (body) => {
      ack = body
    })
    assert.match(ack?.content ?? '', /RTP\/AVP 8 101/)
    assert.equal(scene.types.at(-1), 'call.answered')
  })

  it('without an offer ends by BYE, if the 2xx has none either', async () => {
    const scene = await withoutOffer()
    const dialog = new FakeDialog()
    scene.userAgent.invite0.handlers.answered(dialog, response(200))
    assert.equal((await scene.call.ended).cause, 'failed')
    assert.equal(dialog.byes, 1)
  })

  it('ignores descriptions after a reliable answer (RFC 3261 13.2.1), and takes UPDATE in its early dialog', async () => {
    const scene = await dialled()
    const { invite0 } = scene.userAgent
    const dialog = new FakeDialog()
    invite0.handlers.progress(response(183, { body: sdpBody(peerSdp({ port: 31_000 })) }), reliable(dialog))
    const update = dialog.offer(sdpBody(peerSdp({ port: 32_000 })), 'UPDATE')
    assert.match(update.accepted?.body?.content ?? '', /m=audio/)
    invite0.handlers.progress(response(183, { body: sdpBody(peerSdp({ port: 33_000 })) }), reliable(dialog))
    invite0.handlers.answered(dialog, response(200, { body: sdpBody(peerSdp({ port: 34_000 })) }))
    assert.equal(scene.types.at(-1), 'call.answered')
    assert.equal(scene.session.connects.at(-1)?.remote.port, 32_000)
  })

  it('is answered by another fork than the one whose UPDATE it has taken: the answer is to our INVITE (RFC 3261 13.2.2.4)', async () => {
    const scene = await dialled()
    const { invite0 } = scene.userAgent
    const [one, other] = [forkOf('one'), forkOf('other')]
    invite0.handlers.progress(response(183, { body: sdpBody(peerSdp({ port: 31_000 })) }), reliable(one))
    one.offer(sdpBody(peerSdp({ port: 32_000 })), 'UPDATE')
    invite0.handlers.answered(other, response(200, { body: sdpBody(peerSdp({ port: 35_000 })) }))
    assert.equal(scene.types.at(-1), 'call.answered')
    assert.equal(scene.session.connects.at(-1)?.remote.port, 35_000)
  })
})

describe('the session timer of a call (RFC 4028)', () => {
  it('refreshes by re-INVITE with an offer, where the dialog asks for it', async () => {
    const { dialog } = await dialledAndAnswered()
    dialog.answers.push(response(200, { body: sdpBody(peerSdp()) }))
    assert.equal(await dialog.handlers.refresh?.(), true)
    assert.match(dialog.reinvites[0]?.content ?? '', /m=audio/)
  })

  it('ends the call with a cause and a reason of its own', async () => {
    const { dialog, call } = await dialledAndAnswered()
    dialog.handlers.expired?.(600)
    assert.deepEqual(await call.ended, {
      by: 'error',
      cause: 'session-expired',
      sipCode: null,
      reason: 'no refresh of the call came or succeeded within its session interval of 600 s',
    })
  })
})
