import assert from 'node:assert/strict'
import { SetupCommands } from '../../../src/engine/setup-commands.js'
import { account, answerRule } from './engine-fixture.js'

describe('what an engine was told to be', () => {
  it('is repeated: the rule before its account, the last settings of each', () => {
    const setup = new SetupCommands()
    setup.note('setAccount', account({ name: 'old' }))
    setup.note('setAccount', account())
    setup.note('setInbound', { accountId: 'a1', rule: answerRule })
    setup.note('dial', { accountId: 'a1', target: '1' })
    assert.deepEqual(setup.commands(), [
      [
        ['setInbound', { accountId: 'a1', rule: answerRule }],
        ['setAccount', account()],
      ],
    ])
  })

  it('remembers who was told to register or not, where that differs from the settings', () => {
    const setup = new SetupCommands()
    setup.note('setAccount', account({ register: true }))
    setup.note('unregister', { accountId: 'a1' })
    assert.deepEqual(setup.commands()[0]?.at(-1), ['unregister', { accountId: 'a1' }])
    setup.note('register', { accountId: 'a1' })
    assert.deepEqual(setup.commands()[0]?.at(-1), ['setAccount', account({ register: true })])
  })

  it('forgets what was taken away', () => {
    const setup = new SetupCommands()
    setup.note('setAccount', account())
    setup.note('setInbound', { accountId: 'a1', rule: answerRule })
    setup.note('setInbound', { accountId: 'a1', rule: null })
    assert.deepEqual(setup.commands(), [[['setAccount', account()]]])
    setup.note('removeAccount', { accountId: 'a1' })
    assert.deepEqual(setup.commands(), [])
  })

  it('repeats what lasts outside of calls, in its order, and not what has ended', () => {
    const setup = new SetupCommands()
    const lasting = (): string[] => setup.commands()[0]?.map(([op]) => op) ?? []
    setup.note('setAccount', account())
    setup.note('takeMessages', { accountId: 'a1', taker: 'n1', on: true })
    setup.note('watchPeer', { accountId: 'a1', watchId: 'w', intervalMs: 1000 })
    setup.note('subscribe', { accountId: 'a1', subscriptionId: 's', target: '1', event: 'dialog' })
    setup.note('subscribe', { accountId: 'a1', target: '1', event: 'dialog' })
    setup.note('notify', { accountId: 'a1', event: 'presence', state: { status: 'open' } })
    setup.note('notify', { accountId: 'a1', event: 'presence', state: { status: 'closed' } })
    setup.note('sendMessage', { accountId: 'a1', target: '1', text: 'once' })
    assert.deepEqual(lasting(), ['setAccount', 'takeMessages', 'watchPeer', 'subscribe', 'notify'])
    assert.deepEqual(setup.commands()[0]?.at(-1)?.[1], {
      accountId: 'a1',
      event: 'presence',
      state: { status: 'closed' },
    })
    setup.note('takeMessages', { accountId: 'a1', taker: 'n1', on: false })
    setup.note('unwatchPeer', { watchId: 'w' })
    setup.note('unsubscribe', { subscriptionId: 's' })
    setup.note('notify', { accountId: 'a1', event: 'presence', state: null })
    assert.deepEqual(lasting(), ['setAccount'])
  })

  it('knows nothing of an account’s earlier life: an account that was removed and set again is as its settings say', () => {
    for (const [told, register] of [
      ['unregister', true],
      ['register', false],
    ] as const) {
      const setup = new SetupCommands()
      setup.note('setAccount', account({ register }))
      setup.note('setInbound', { accountId: 'a1', rule: answerRule })
      setup.note(told, { accountId: 'a1' })
      setup.note('removeAccount', { accountId: 'a1' })
      setup.note('setAccount', account({ register }))
      assert.deepEqual(setup.commands(), [[['setAccount', account({ register })]]])
    }
  })

  it('switches the trace on again before the accounts come, unless it was switched off', () => {
    const setup = new SetupCommands()
    setup.note('setAccount', account())
    setup.note('setTrace', { on: true, rtp: true })
    assert.deepEqual(setup.commands(), [[['setTrace', { on: true, rtp: true }]], [['setAccount', account()]]])
    setup.note('setTrace', { on: false })
    assert.deepEqual(setup.commands(), [[['setAccount', account()]]])
  })
})
