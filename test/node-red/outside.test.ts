/** The nodes outside of calls, on an engine that the test scripts. */
import assert from 'node:assert/strict'
import type { EngineEvents } from '../../src/engine/protocol.js'
import { fakeFlows } from '../support/fake-flows.js'
import { account, wired } from '../support/flow-items.js'

const RESULT = {
  up: true,
  status: 200,
  reason: 'OK',
  latencyMs: 12.3,
  source: { protocol: 'udp' as const, host: '192.0.2.1', port: 5060 },
  agent: 'pbx',
}
const at = '2026-01-01T00:00:00.000Z'

describe('nodes outside of calls', () => {
  const test = fakeFlows()

  const start = (type: string, outputs: number, settings: Record<string, unknown> = {}) =>
    test.start([...account(), ...wired('node', type, outputs, { account: 'account', ...settings })])

  describe('sip-message', () => {
    it('sends: output 1 when delivered or kept, output 2 with the status when not', async () => {
      const flows = await start('sip-message', 2)
      for (const [result, status, port] of [
        ['delivered', 200, 1],
        ['accepted', 202, 1],
        ['refused', 404, 2],
      ] as const) {
        test.engine.reply('sendMessage', () => ({ result, status, reason: '' }))
        flows.receive('node', { payload: 'hello', to: '1002', nth: status })
        const message = await flows.message(`node-${port}`, ({ nth }) => nth === status)
        assert.equal(message.topic, port === 1 ? `message.${result}` : 'message.failed')
        assert.equal(message.payload, port === 1 ? 'hello' : 404)
      }
      assert.deepEqual(test.engine.sent('sendMessage')[0], {
        accountId: 'account',
        target: '1002',
        text: 'hello',
        headers: {},
      })
    })

    it('receives the messages of its account, and no others', async () => {
      const asked = test.engine.asked('takeMessages')
      const flows = await start('sip-message', 2, { mode: 'receive' })
      assert.deepEqual(await asked, { accountId: 'account', taker: 'node', on: true })
      const event: EngineEvents['message'] = {
        type: 'message.received',
        accountId: 'other',
        at,
        from: { uri: 'sip:a@h', user: 'a', displayName: '' },
        to: { uri: 'sip:b@h', user: 'b' },
        contentType: 'text/plain',
        text: 'not ours',
        headers: {},
        sipCallId: 'x',
      }
      test.engine.emit('message', event)
      test.engine.emit('message', { ...event, accountId: 'account', text: 'ours' })
      const { payload, topic } = await flows.message('node-1')
      assert.deepEqual([payload, topic], ['ours', 'message.received'])
    })
  })

  it('sip-options: watches from the start, and sends up, down and each result', async () => {
    const asked = test.engine.asked('watchPeer')
    const flows = await start('sip-options', 3)
    const { watchId, intervalMs, failures, timeoutMs, target } = await asked
    assert.deepEqual([watchId, intervalMs, failures, timeoutMs, target], ['node', 30_000, 3, 5_000, ''])
    const event = { accountId: 'account', at, watchId: 'node', owner: 'node', target: '', result: RESULT, failures: 0 }
    test.engine.emit('peer', { ...event, type: 'peer.up' })
    test.engine.emit('peer', { ...event, type: 'peer.ping' })
    test.engine.emit('peer', { ...event, type: 'peer.down', result: { ...RESULT, up: false } })
    assert.deepEqual((await flows.message('node-1')).payload, true)
    assert.deepEqual((await flows.message('node-2')).payload, false)
    assert.deepEqual((await flows.message('node-3')).ping, RESULT)
    await flows.status('node', 'reachable 12 ms')
    test.engine.reply('ping', () => RESULT)
    flows.receive('node', { payload: 1, nth: 1 })
    assert.equal((await flows.message('node-3', ({ nth }) => nth === 1)).payload, true)
  })

  describe('sip-subscribe', () => {
    it('watches a line from the start: state by output 1, the subscription by output 2', async () => {
      const asked = test.engine.asked('subscribe')
      const flows = await start('sip-subscribe', 2, { target: '1002' })
      const { event: name, target, subscriptionId } = await asked
      assert.deepEqual([name, target, subscriptionId], ['dialog', '1002', 'node'])
      const event = { accountId: 'account', at, subscriptionId: 'node', owner: 'node', target, event: name }
      test.engine.emit('subscription', { ...event, type: 'subscription.active' })
      await flows.status('node', 'subscribed')
      const state = { entity: '', line: 'confirmed', dialogs: [] }
      test.engine.emit('subscription', { ...event, type: 'subscription.notify', state, contentType: 'x', body: 'y' })
      const shown = await flows.message('node-1')
      assert.deepEqual([shown.payload, shown.state, shown.body], ['confirmed', state, 'y'])
      const end = { cause: 'refused', status: 489, reason: 'Bad Event', retryAt: null }
      test.engine.emit('subscription', { ...event, type: 'subscription.ended', ...end })
      const ended = await flows.message('node-2', ({ topic }) => topic === 'subscription.ended')
      assert.deepEqual(ended.subscription, end)
    })

    it('shows a state: the first one at the start, then what messages bring, as value or object', async () => {
      const asked = test.engine.asked('notify')
      const flows = await start('sip-subscribe', 2, { mode: 'show', package: 'message-summary' })
      assert.deepEqual((await asked).state, { waiting: false })
      for (const [payload, state] of [
        [3, { messages: { voice: { new: 3 } } }],
        [true, { waiting: true }],
        [{ waiting: false }, { waiting: false }],
      ] as const) {
        const next = test.engine.asked('notify')
        flows.receive('node', { payload })
        assert.deepEqual((await next).state, state)
      }
      const from = { uri: 'sip:a@h', user: 'a', displayName: '' }
      test.engine.emit('subscription', {
        type: 'subscriber.added',
        accountId: 'account',
        at,
        event: 'message-summary',
        resource: '',
        from,
        subscribers: 2,
      })
      assert.equal((await flows.message('node-2')).payload, 2)
    })
  })
})
