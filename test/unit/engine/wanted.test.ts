import assert from 'node:assert/strict'
import { Wanted } from '../../../src/engine/wanted.js'
import { account, answerRule } from './engine-fixture.js'

describe('what an engine was told to be', () => {
  it('is repeated: the rule before its account, the last settings of each', () => {
    const wanted = new Wanted()
    wanted.note('setAccount', account({ name: 'old' }))
    wanted.note('setAccount', account())
    wanted.note('setInbound', { accountId: 'a1', rule: answerRule })
    wanted.note('dial', { accountId: 'a1', target: '1' })
    assert.deepEqual(wanted.commands(), [
      [
        ['setInbound', { accountId: 'a1', rule: answerRule }],
        ['setAccount', account()],
      ],
    ])
  })

  it('remembers who was told to register or not, where that differs from the settings', () => {
    const wanted = new Wanted()
    wanted.note('setAccount', account({ register: true }))
    wanted.note('unregister', { accountId: 'a1' })
    assert.deepEqual(wanted.commands()[0]?.at(-1), ['unregister', { accountId: 'a1' }])
    wanted.note('register', { accountId: 'a1' })
    assert.deepEqual(wanted.commands()[0]?.at(-1), ['setAccount', account({ register: true })])
  })

  it('forgets what was taken away', () => {
    const wanted = new Wanted()
    wanted.note('setAccount', account())
    wanted.note('setInbound', { accountId: 'a1', rule: answerRule })
    wanted.note('setInbound', { accountId: 'a1', rule: null })
    assert.deepEqual(wanted.commands(), [[['setAccount', account()]]])
    wanted.note('removeAccount', { accountId: 'a1' })
    assert.deepEqual(wanted.commands(), [])
  })

  it('knows nothing of an account’s earlier life: an account that was removed and set again is as its settings say', () => {
    for (const [told, register] of [
      ['unregister', true],
      ['register', false],
    ] as const) {
      const wanted = new Wanted()
      wanted.note('setAccount', account({ register }))
      wanted.note('setInbound', { accountId: 'a1', rule: answerRule })
      wanted.note(told, { accountId: 'a1' })
      wanted.note('removeAccount', { accountId: 'a1' })
      wanted.note('setAccount', account({ register }))
      assert.deepEqual(wanted.commands(), [[['setAccount', account({ register })]]])
    }
  })
})
