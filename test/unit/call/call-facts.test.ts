import assert from 'node:assert/strict'
import { takeCall } from '../../../src/call/call.js'
import { CallFacts } from '../../../src/call/call-facts.js'
import { Moment } from '../../../src/call/moment.js'
import { FakeClock } from '../../support/fake-clock.js'
import { FakeIncomingInvite, response, sdpBody } from '../../support/fake-user-agent.js'
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

describe('CallFacts', () => {
  const address = { uri: 'sip:alice@example.com', user: 'alice', displayName: '' }

  function begun(): { clock: FakeClock; facts: CallFacts; now: () => Moment } {
    const clock = new FakeClock()
    const now = (): Moment => new Moment(clock)
    const account = { id: 'a', name: 'Alice' }
    const init = { id: 'c', sipCallId: 's', account, from: address, to: address, started: now() }
    return { clock, facts: new CallFacts({ ...init, direction: 'outbound' }), now }
  }

  it('have the same snapshot if the codec is agreed on again, and another one with another codec', () => {
    const { facts, now } = begun()
    facts.use('PCMA')
    const snapshot = facts.snapshot(now())
    facts.use('PCMA')
    assert.equal(facts.snapshot(now()), snapshot)
    facts.use('PCMU')
    assert.notEqual(facts.snapshot(now()), snapshot)
    assert.equal(snapshot.codec, 'PCMA')
  })

  it('collect the headers of all messages: a later message replaces its own, and none without such a header any', () => {
    const { facts, now } = begun()
    const exposed = ['X-Queue', 'X-Agent']
    facts.noteHeaders(response(180, { headers: { 'X-Queue': 'sales', 'X-Other': 'hidden' } }), exposed)
    facts.noteHeaders(response(183, { headers: { 'X-Agent': 'none' } }), exposed)
    const before = facts.snapshot(now())
    facts.noteHeaders(response(200), exposed)
    assert.equal(facts.snapshot(now()), before)
    facts.noteHeaders(response(200, { headers: { 'X-Agent': 'bob' } }), exposed)
    assert.deepEqual(facts.snapshot(now()).headers, { 'X-Queue': 'sales', 'X-Agent': 'bob' })
    assert.deepEqual(before.headers, { 'X-Queue': 'sales', 'X-Agent': 'none' })
  })

  it('show the values of several lines as those of one (RFC 3261 7.3.1)', () => {
    const { facts, now } = begun()
    const message = { ...response(180), headers: (name: string) => (name === 'X-Queue' ? ['sales', 'support'] : []) }
    facts.noteHeaders(message, ['X-Queue', 'X-Agent'])
    assert.deepEqual(facts.snapshot(now()).headers, { 'X-Queue': 'sales, support' })
  })

  it('count the time to the decision of the end, not the work after it', () => {
    const { facts, clock, now } = begun()
    clock.advance(1_000)
    facts.answered(now())
    clock.advance(2_000)
    facts.ended = now()
    clock.advance(4_000)
    assert.equal(facts.snapshot(now()).durationMs, 2_000)
    const end = { by: 'local', cause: 'normal', sipCode: null, reason: 'hung up' } as const
    const record = facts.close(end, null)
    assert.deepEqual([record.endedAt, facts.snapshot(now()).durationMs], [facts.ended.iso, 2_000])
    assert.equal(facts.snapshot(now()).endedAt, facts.ended.iso)
  })
})
