import assert from 'node:assert/strict'
import type { CallEvent } from '../../../src/call/call-event.js'
import { OpenCalls } from '../../../src/cdr/open-calls.js'
import { account, makeEngine } from '../engine/engine-fixture.js'

/** Events as the engine tells them. */
async function eventsOfACall(): Promise<CallEvent[]> {
  const { commands, calls, clock, network } = makeEngine()
  await commands.setAccount(account())
  await commands.dial({ accountId: 'a1', target: '1002', owner: 'node-1', tags: { ticket: 7 } })
  clock.advance(1_000)
  network.agent('alice@127.0.0.1').invite0.handlers.failed({ status: 408, reason: 'Request Timeout', local: true })
  await new Promise((resolve) => setImmediate(resolve))
  return calls
}

describe('open calls', () => {
  it('ends each once as interrupted, with the CDR that is still known', async () => {
    const [trying] = await eventsOfACall()
    assert.ok(trying)
    const startedMs = Date.parse(trying.call.startedAt)
    const at = (ms: number) => new Date(startedMs + ms).toISOString()
    const open = new OpenCalls()
    const next = { callId: trying.callId, owner: trying.owner, call: trying.call }
    open.observe(trying)
    open.observe({ ...next, type: 'call.ringing', sipCode: 180, seq: 2, at: at(100) })
    const call = { ...trying.call, state: 'answered' as const, answeredAt: at(200), codec: 'PCMA' as const }
    open.observe({ ...next, call, type: 'call.answered', seq: 3, at: at(200) })
    open.observe({ ...next, call, type: 'call.digit', digit: '1', durationMs: 100, seq: 4, at: at(300) })
    open.observe({ ...next, call, type: 'call.digit', digit: '2', durationMs: 100, seq: 5, at: at(400) })

    const [ended, ...more] = open.interrupt(startedMs + 5_200, 'the engine died')
    assert.equal(more.length, 0)
    assert.ok(ended?.type === 'call.ended')
    assert.equal(ended.seq, 6)
    assert.equal(ended.owner, 'node-1')
    assert.deepEqual(ended.end, { by: 'error', cause: 'interrupted', sipCode: null, reason: 'the engine died' })
    assert.equal(ended.call.state, 'ended')
    const { cdr } = ended
    assert.deepEqual(
      [cdr.ringingAt, cdr.answeredAt, cdr.endedAt, cdr.durationMs, cdr.talkMs, cdr.digits, cdr.codec, cdr.tags],
      [at(100), at(200), at(5_200), 5_200, 5_000, '12', 'PCMA', '{"ticket":7}'],
    )
    assert.deepEqual(open.interrupt(startedMs + 6_000, 'again'), [])
  })

  it('keeps the last 256 digits of each, as the record of a call that ends by itself does', async () => {
    const [trying] = await eventsOfACall()
    assert.ok(trying)
    const open = new OpenCalls()
    open.observe(trying)
    const { callId, owner, call, at } = trying
    for (let n = 0; n < 300; n++) {
      const digit = String(n % 10)
      open.observe({ callId, owner, call, at, type: 'call.digit', digit, durationMs: 100, seq: n + 2 })
    }
    const [ended] = open.interrupt(Date.parse(at), 'the engine died')
    assert.ok(ended?.type === 'call.ended')
    assert.equal(ended.cdr.digits, '0123456789'.repeat(30).slice(-256))
  })

  it('knows nothing of a call that has ended', async () => {
    const open = new OpenCalls()
    const events = await eventsOfACall()
    for (const event of events) open.observe(event)
    assert.equal(events.at(-1)?.type, 'call.ended')
    assert.deepEqual(open.interrupt(0, 'x'), [])
  })

  it('makes a CDR of the very fields that the engine’s own has', async () => {
    const events = await eventsOfACall()
    const [trying, ended] = [events[0], events.at(-1)]
    assert.ok(trying && ended?.type === 'call.ended')
    const open = new OpenCalls()
    open.observe(trying)
    const [interrupted] = open.interrupt(Date.parse(trying.at), 'x')
    assert.ok(interrupted?.type === 'call.ended')
    assert.deepEqual(Object.keys(interrupted.cdr).sort(), Object.keys(ended.cdr).sort())
  })
})
