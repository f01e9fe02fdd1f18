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
})
