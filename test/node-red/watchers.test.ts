/** Catch, Complete and Status nodes: each message ends exactly once, at Catch or at Complete; Status gets every status. */
import assert from 'node:assert/strict'
import type { Message } from '../../nodes/shared/red.js'
import { ERROR_TEXT, STATUS_TEXT } from '../../nodes/shared/status.js'
import { TelephonyError } from '../../src/base/errors.js'
import type { EngineCommands } from '../../src/engine/protocol.js'
import { fakeFlows } from '../support/fake-flows.js'
import { account, watchers, wired } from '../support/flow-items.js'
import type { TestFlows } from '../support/node-red.js'
import { registered, TYPES } from '../unit/editor/node-sources.js'

interface Action {
  op: keyof EngineCommands
  reply: unknown
  /** The status while the node works; absent for a node with a status of another kind. */
  working?: keyof typeof STATUS_TEXT
  settings?: Record<string, unknown>
}

/** Every node whose input leads to one engine command within a call. The others have tests of their own. */
const ACTIONS: Record<string, Action> = {
  'sip-answer': { op: 'answer', reply: undefined, working: 'answering' },
  'sip-play-media': {
    op: 'play',
    reply: { ended: 'finished', playedMs: 1 },
    working: 'playing',
    settings: { file: 'a.wav' },
  },
  'sip-gather': { op: 'gather', reply: { digits: '1', terminator: '', ended: 'max-digits' }, working: 'gathering' },
  'sip-wait': { op: 'wait', reply: { outcome: 'happened', digit: '1' }, working: 'waiting' },
  'sip-dtmf': { op: 'sendDigits', reply: 'finished', working: 'sending' },
  'sip-transfer': {
    op: 'transfer',
    reply: { outcome: 'transferred', status: 200, reason: 'OK' },
    working: 'transferring',
  },
  'sip-record': { op: 'startRecord', reply: { path: '/r/a.wav' } },
  'sip-hold': { op: 'hold', reply: undefined },
  'sip-hangup': { op: 'hangup', reply: undefined, working: 'hangingUp' },
}
/** Outputs for messages whose action has failed. */
const FAILURE_OUTPUTS: Record<string, number> = { 'sip-play-media': 2, 'sip-gather': 2, 'sip-hold': 2, 'sip-wait': 3 }
const OWN_LIFE = ['sip-dial', 'sip-register', 'sip-message', 'sip-options', 'sip-subscribe']

interface Caught {
  message: string
  code: string
  source: { id: string; type: string; name?: string; count: number }
}
const errorOf = (message: Message) => message.error as Caught

describe('Catch, Complete and Status nodes', () => {
  const test = fakeFlows()

  async function inCall(type: string, settings: Record<string, unknown> = {}): Promise<TestFlows> {
    const flows = await test.start([
      ...account(),
      ...wired('incoming', 'sip-incoming', 2, { account: 'account' }),
      ...wired('action', type, registered(type).definition.outputs ?? 0, { name: 'the action', ...settings }),
      ...watchers(['action']),
    ])
    await flows.status('incoming', 'listening')
    test.engine.begin('c1', { owner: 'incoming', direction: 'inbound' })
    test.engine.tell('c1', 'call.incoming')
    return flows
  }

  const send = (flows: TestFlows, nth: number) => flows.receive('action', { payload: '1', nth, call: { id: 'c1' } })
  const nths = (flows: TestFlows, inbox: string) => flows.messages(inbox).map(({ nth }) => nth)

  it('the table has every node with an input', () => {
    const withInput = TYPES.filter((type) => (registered(type).definition.inputs ?? 0) > 0)
    assert.deepEqual([...Object.keys(ACTIONS), ...OWN_LIFE].toSorted(), withInput.toSorted())
  })

  for (const [type, { op, reply, working, settings }] of Object.entries(ACTIONS)) {
    it(`${type}: completes each message once, when the engine has done it, and not before`, async () => {
      const flows = await inCall(type, settings)
      let finish: (result: unknown) => void = () => undefined
      test.engine.reply(op, () => new Promise((resolve) => (finish = resolve)))
      for (const nth of [1, 2]) {
        const asked = test.engine.asked(op)
        send(flows, nth)
        await asked
        if (working) await flows.status('action', STATUS_TEXT[working])
        assert.equal(nths(flows, 'completed').length, nth - 1)
        finish(reply)
        await flows.message('completed', (message) => message.nth === nth)
      }
      assert.deepEqual(nths(flows, 'completed'), [1, 2])
      assert.deepEqual(flows.messages('caught'), [])
      if (working) {
        const words = flows
          .messages('stated')
          .filter((m) => (m.status as { source: { id: string } }).source.id === 'action')
        const texts = words.map((m) => (m.status as { text?: string }).text)
        assert.deepEqual(texts.filter((text) => text === STATUS_TEXT[working]).length, 2)
        assert.equal(texts.at(-1), 'ready')
      }
    })

    it(`${type}: an error is caught once, with its code and where it comes from; nothing completes, nothing goes on but a failure`, async () => {
      const flows = await inCall(type, settings)
      test.engine.reply(op, () => {
        throw new TelephonyError('CALL_ENDED', 'the caller has hung up')
      })
      for (const nth of [1, 2]) {
        send(flows, nth)
        const caught = await flows.message('caught', (message) => message.nth === nth)
        const { message, code, source } = errorOf(caught)
        assert.deepEqual([code, source.id, source.type, source.name], ['CALL_ENDED', 'action', type, 'the action'])
        assert.match(message, /the caller has hung up/)
      }
      assert.deepEqual(nths(flows, 'caught'), [1, 2])
      assert.deepEqual(flows.messages('completed'), [])
      const outputs = registered(type).definition.outputs ?? 0
      for (let port = 1; port <= outputs; port++) {
        const sent = flows.messages(`action-${port}`)
        const expected = FAILURE_OUTPUTS[type] === port ? ['CALL_ENDED', 'CALL_ENDED'] : []
        assert.deepEqual(
          sent.map((message) => errorOf(message).code),
          expected,
        )
      }
      assert.deepEqual(await flows.status('action', ERROR_TEXT.CALL_ENDED), {
        fill: 'red',
        shape: 'ring',
        text: ERROR_TEXT.CALL_ENDED,
      })
    })

    it(`${type}: several messages at once each end once, in whatever order`, async () => {
      const flows = await inCall(type, settings)
      const finishes: (() => void)[] = []
      test.engine.reply(op, () => {
        const nth = finishes.length
        return new Promise((resolve, reject) => {
          finishes.push(() => (nth === 1 ? reject(new TelephonyError('WRONG_STATE', 'not now')) : resolve(reply)))
        })
      })
      for (const nth of [0, 1, 2]) {
        const asked = test.engine.asked(op)
        send(flows, nth)
        await asked
      }
      for (const nth of [2, 1, 0]) finishes[nth]?.()
      for (const nth of [0, 2]) await flows.message('completed', (message) => message.nth === nth)
      await flows.message('caught', (message) => message.nth === 1)
      assert.deepEqual([nths(flows, 'completed').length, nths(flows, 'caught').length], [2, 1])
    })
  }

  /** An account whose port is in use, a node that uses it on this tab, and watchers on `tab`. */
  function broken(users: string): Promise<TestFlows> {
    test.engine.reply('setAccount', () => {
      throw new TelephonyError('TRANSPORT', '127.0.0.1:5060 is taken')
    })
    const incoming = wired('incoming', 'sip-incoming', 2, { account: 'account' }).map((item) => ({ ...item, z: users }))
    return test.start([...account(), { id: 'other', type: 'tab', label: 'other' }, ...incoming, ...watchers([])])
  }

  it('errors and status of an account come to the tabs of its users', async () => {
    const flows = await broken('tab')
    const { code, source } = errorOf(await flows.message('caught'))
    assert.deepEqual([code, source.id], ['TRANSPORT', 'account'])
    const isAccount = (m: Message) => (m.status as { source: { id: string } }).source.id === 'account'
    const isBroken = (m: Message) => (m.status as { text: string }).text === ERROR_TEXT.TRANSPORT
    const stated = await flows.message('stated', (m) => isAccount(m) && isBroken(m))
    assert.equal((stated.status as { fill: string }).fill, 'red')
    assert.equal(flows.messages('caught').length, 1)
  })

  it('… and to no other tab', async () => {
    const flows = await broken('other')
    await flows.status('incoming', ERROR_TEXT.TRANSPORT)
    assert.deepEqual([...flows.messages('caught'), ...flows.messages('stated')], [])
  })
})
