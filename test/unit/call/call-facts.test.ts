import assert from 'node:assert/strict'
import { takeCall } from '../../../src/call/call.js'
import { FakeIncomingInvite, sdpBody } from '../../support/fake-user-agent.js'
import { account, dialledAndAnswered, flowRule, peerSdp, World } from './call-fixture.js'

describe('what is told of a call', () => {
  it('stays below 2 kB whatever the peer calls itself', () => {
    const world = new World()
    const invite = new FakeIncomingInvite(sdpBody(peerSdp()), { 'X-Ticket': 't'.repeat(10_000) })
    const long = { uri: `sip:${'u'.repeat(5_000)}@x`, user: 'u'.repeat(5_000), displayName: 'Ü'.repeat(5_000) }
    Object.assign(invite.request, { from: { ...invite.request.from, ...long }, to: { ...invite.request.to, ...long } })
    takeCall(world.deps, invite, { account, owner: null, rule: flowRule, onEvent: world.onEvent })
    const { call } = world.last('call.incoming')
    assert.ok(call.from.displayName.startsWith('Ü'))
    assert.equal(call.headers['X-Ticket']?.length, 256)
    const octets = Buffer.byteLength(JSON.stringify(call))
    assert.ok(octets <= 2_400, `${octets} octets`)
  })

  it('keeps the last 256 digits in the record, however many were pressed', async () => {
    const scene = await dialledAndAnswered()
    for (let n = 0; n < 300; n++) {
      scene.session.happen('digit', String(n % 10), 100)
      scene.clock.advance(600)
    }
    await scene.call.hangup()
    const { digits } = scene.last('call.ended').cdr
    assert.equal(digits, Array.from({ length: 256 }, (_, i) => (44 + i) % 10).join(''))
  })

  it('is one snapshot until a fact or the duration changes, and an earlier event never changes', async () => {
    const scene = await dialledAndAnswered()
    scene.session.happen('digit', '1', 100)
    const [answered, digit] = [scene.last('call.answered').call, scene.last('call.digit').call]
    assert.equal(digit, answered)
    const before = JSON.stringify(answered)
    scene.call.setTags({ ticket: 8 })
    scene.clock.advance(1_500)
    scene.session.happen('digit', '2', 100)
    const later = scene.last('call.digit').call
    assert.deepEqual([later.tags, later.durationMs], [{ ticket: 8 }, 1_500])
    await scene.call.hangup()
    const { call, end } = scene.last('call.ended')
    assert.deepEqual([call.state, call.durationMs, call.end], ['ended', 1_500, end])
    assert.equal(JSON.stringify(answered), before)
    assert.deepEqual([later.state, later.end], ['answered', null])
  })

  it('keeps a copy of the tags: the caller may change its own afterwards', async () => {
    const scene = await dialledAndAnswered()
    const tags = { customer: { id: 7 } }
    scene.call.setTags(tags)
    tags.customer.id = 8
    assert.deepEqual(scene.call.snapshot().tags, { customer: { id: 7 } })
  })
})
