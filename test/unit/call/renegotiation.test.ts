/** Our offers within the dialog: glare, refusals, the end of the call in between. */
import assert from 'node:assert/strict'
import { TelephonyError } from '../../../src/base/errors.js'
import { DialogLeg } from '../../../src/call/dialog-leg.js'
import { LiveCall } from '../../../src/call/live-call.js'
import { type FakeDialog, response, sdpBody } from '../../support/fake-user-agent.js'
import { dialledAndAnswered, incomingAnswered, peerSdp, type Scene } from './call-fixture.js'

function legOf({ call }: Scene): DialogLeg {
  assert.ok(call instanceof LiveCall && call.core.leg instanceof DialogLeg)
  return call.core.leg
}

const agreed = (init: Parameters<typeof peerSdp>[0] = {}) => response(200, { body: sdpBody(peerSdp(init)) })
const glare = () => response(491)
const settle = () => new Promise(setImmediate)

/** Steps in ms at which the re-INVITEs after the first one went out. */
async function retries(scene: Scene & { dialog: FakeDialog }, count: number, stepMs = 10): Promise<number[]> {
  const at: number[] = []
  const before = scene.clock.now()
  while (at.length < count && scene.clock.now() - before < 30_000) {
    const sent = scene.dialog.reinvites.length
    scene.clock.advance(stepMs)
    await settle()
    if (scene.dialog.reinvites.length > sent) at.push(scene.clock.now() - before)
  }
  return at
}

describe('our re-INVITE', () => {
  it('offers what we have; what the peer answers counts', async () => {
    const scene = await dialledAndAnswered()
    scene.dialog.answers.push(agreed({ port: 31_000, direction: 'sendonly' }))
    assert.equal(await legOf(scene).renegotiate(), true)
    assert.match(scene.dialog.reinvites[0]?.content ?? '', /RTP\/AVP 8 0 101/)
    assert.equal(scene.session.connects.at(-1)?.remote.port, 31_000)
    assert.equal(scene.call.snapshot().state, 'held')
  })

  it('asked for twice is sent once', async () => {
    const scene = await dialledAndAnswered()
    scene.dialog.answers.push(agreed())
    const leg = legOf(scene)
    assert.deepEqual(await Promise.all([leg.renegotiate(), leg.renegotiate()]), [true, true])
    assert.equal(scene.dialog.reinvites.length, 1)
  })

  it('RFC 3261 14.1: after 491 who made the Call-ID waits 2.1 to 4 s, the other 0 to 2 s', async () => {
    for (let round = 0; round < 5; round++) {
      const owner = await dialledAndAnswered()
      owner.dialog.answers.push(glare(), agreed())
      const owned = legOf(owner).renegotiate()
      await settle()
      const [ownerMs = 0] = await retries(owner, 1)
      assert.ok(ownerMs >= 2100 && ownerMs <= 4000 && ownerMs % 10 === 0, `${ownerMs} ms`)
      assert.equal(await owned, true)

      const other = await incomingAnswered()
      other.dialog.answers.push(glare(), agreed())
      const others = legOf(other).renegotiate()
      await settle()
      const [otherMs = 0] = other.dialog.reinvites.length > 1 ? [0] : await retries(other, 1)
      assert.ok(otherMs <= 2000, `${otherMs} ms`)
      assert.equal(await others, true)
    }
  })

  it('waits as well while the peer’s own is being answered, and as long as a 500 says', async () => {
    const busy = await incomingAnswered()
    busy.dialog.answers.push(new TelephonyError('WRONG_STATE', 'in progress'), agreed())
    const result = legOf(busy).renegotiate()
    await settle()
    await retries(busy, 1)
    assert.equal(await result, true)
    const later = await dialledAndAnswered()
    later.dialog.answers.push(response(500, { headers: { 'Retry-After': '3 (busy)' } }), agreed())
    const resultLater = legOf(later).renegotiate()
    await settle()
    assert.deepEqual(await retries(later, 1, 500), [3000])
    assert.equal(await resultLater, true)
    const much = await dialledAndAnswered()
    much.dialog.answers.push(response(500, { headers: { 'Retry-After': '99' } }), agreed())
    const resultMuch = legOf(much).renegotiate()
    await settle()
    assert.deepEqual(await retries(much, 1, 500), [10_000])
    assert.equal(await resultMuch, true)
  })

  it('gives glare up that does not end', async () => {
    const scene = await dialledAndAnswered()
    scene.dialog.answers.push(...Array.from({ length: 20 }, glare))
    const result = legOf(scene).renegotiate()
    await settle()
    await retries(scene, 10, 100)
    assert.equal(await result, false)
    assert.equal(scene.dialog.reinvites.length, 6)
    assert.equal(scene.call.snapshot().state, 'answered')
  })

  for (const [what, answer] of [
    ['refused (488)', response(488)],
    ['500 without a time', response(500)],
    ['answered without SDP', response(200)],
    ['answered with nonsense', response(200, { body: sdpBody('nonsense') })],
  ] as const) {
    it(`${what} leaves the call as it was`, async () => {
      const scene = await dialledAndAnswered()
      scene.dialog.answers.push(answer)
      assert.equal(await legOf(scene).renegotiate(), false)
      assert.equal(scene.session.connects.length, 1)
      assert.equal(scene.call.snapshot().state, 'answered')
      // A stray ACK body is not an answer to a withdrawn offer.
      scene.dialog.handlers.acknowledged?.(sdpBody(peerSdp({ port: 4444 })))
      assert.equal(scene.session.connects.length, 1)
    })
  }

  it('an offer of the peer during the wait is answered; ours follows', async () => {
    const scene = await dialledAndAnswered()
    scene.dialog.answers.push(glare(), agreed({ port: 32_000 }))
    const result = legOf(scene).renegotiate()
    await settle()
    const theirs = scene.dialog.offer(sdpBody(peerSdp({ port: 31_500 })))
    assert.match(theirs.accepted?.body?.content ?? '', /a=sendrecv/)
    assert.equal(scene.session.connects.at(-1)?.remote.port, 31_500)
    await retries(scene, 1)
    assert.equal(await result, true)
    assert.equal(scene.session.connects.at(-1)?.remote.port, 32_000)
  })

  it('ends with the call: nothing is sent any more and no timer is left', async () => {
    const scene = await dialledAndAnswered()
    scene.dialog.answers.push(glare())
    const result = legOf(scene).renegotiate()
    await settle()
    await scene.call.hangup()
    assert.equal(await result, false)
    assert.deepEqual([scene.dialog.reinvites.length, scene.clock.pending], [1, 0])
  })
})

describe('our offer by UPDATE', () => {
  it('goes to a peer that allows it, in place of a re-INVITE (RFC 3311 5.1)', async () => {
    const scene = await dialledAndAnswered()
    scene.dialog.allowed = ['INVITE', 'UPDATE']
    scene.dialog.answers.push(agreed())
    assert.equal(await legOf(scene).renegotiate(), true)
    assert.deepEqual([scene.dialog.updates.length, scene.dialog.reinvites.length], [1, 0])
  })

  for (const status of [405, 501, 504]) {
    it(`refused with ${status} is followed by a re-INVITE, and later offers are re-INVITEs at once`, async () => {
      const scene = await dialledAndAnswered()
      scene.dialog.allowed = ['UPDATE']
      scene.dialog.answers.push(response(status), agreed(), agreed())
      assert.equal(await legOf(scene).renegotiate(), true)
      assert.equal(await legOf(scene).renegotiate(), true)
      assert.deepEqual([scene.dialog.updates.length, scene.dialog.reinvites.length], [1, 2])
    })
  }

  it('refused with 488 is refused', async () => {
    const scene = await dialledAndAnswered()
    scene.dialog.allowed = ['UPDATE']
    scene.dialog.answers.push(response(488))
    assert.equal(await legOf(scene).renegotiate(), false)
    assert.equal(scene.dialog.reinvites.length, 0)
  })
})

describe('an offer with later changes', () => {
  it('follows one that is in progress', async () => {
    const scene = await dialledAndAnswered()
    scene.dialog.answers.push(agreed(), agreed())
    const leg = legOf(scene)
    assert.deepEqual(await Promise.all([leg.renegotiate(), leg.offerAgain()]), [true, true])
    assert.equal(scene.dialog.reinvites.length, 2)
  })
})
