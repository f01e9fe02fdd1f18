import assert from 'node:assert/strict'
import { fakeFlows } from '../support/fake-flows.js'
import { account, wired } from '../support/flow-items.js'
import type { FlowItem } from '../support/node-red.js'

describe('sip-incoming', () => {
  const test = fakeFlows()

  const flow = (settings: Record<string, unknown> = {}): FlowItem[] => [
    ...account(),
    ...wired('incoming', 'sip-incoming', 2, { account: 'account', ...settings }),
  ]

  it('sets how the account takes its calls', async () => {
    const asked = test.engine.asked('setInbound')
    await test.start(flow({ decide: '7.5', sendRinging: false, rejectStatus: 'hidden' }))
    assert.deepEqual(await asked, {
      accountId: 'account',
      rule: { mode: 'flow', sendRinging: false, decideMs: 7_500, rejectStatus: 486, owner: 'incoming' },
    })
  })

  it('mode flow: output 1 when it rings, output 2 what follows', async () => {
    const flows = await test.start(flow())
    await flows.status('incoming', 'listening')
    test.engine.begin('c1', { owner: 'incoming', direction: 'inbound' })
    test.engine.tell('c1', 'call.incoming')
    test.engine.tell('c1', 'call.answered')
    test.engine.tell('c1', 'call.digit', { digit: '#', durationMs: 100 })
    test.engine.end('c1', { cause: 'normal' })
    await flows.message('incoming-2', (m) => m.topic === 'call.ended')
    assert.deepEqual(
      flows.messages('incoming-1').map((m) => [m.topic, (m.call as { id: string }).id]),
      [['call.incoming', 'c1']],
    )
    assert.deepEqual(
      flows.messages('incoming-2').map((m) => [m.topic, m.payload]),
      [
        ['call.answered', 'call.answered'],
        ['call.digit', '#'],
        ['call.ended', 'normal'],
      ],
    )
  })

  it('mode flow: a call that is answered by itself leaves by output 1 when it is answered', async () => {
    const asked = test.engine.asked('setInbound')
    const flows = await test.start(flow({ autoAnswer: true }))
    assert.equal((await asked).rule?.autoAnswer, true)
    const intercom = { info: '', autoAnswer: true }
    for (const [id, alert, first] of [
      ['c1', intercom, 'call.answered'],
      ['c2', null, 'call.incoming'],
    ] as const) {
      test.engine.begin(id, { owner: 'incoming', direction: 'inbound', alert })
      test.engine.tell(id, 'call.incoming')
      test.engine.tell(id, 'call.answered')
      const told = await flows.message('incoming-1', (m) => (m.call as { id: string }).id === id)
      assert.equal(told.topic, first)
    }
  })

  it('mode answer: rings first for the time set', async () => {
    const asked = test.engine.asked('setInbound')
    await test.start(flow({ mode: 'answer', ringTime: '2.5' }))
    const { rule } = await asked
    assert.deepEqual([rule?.mode, rule?.ringMs], ['answer', 2_500])
  })

  it('mode answer: output 1 once it is answered', async () => {
    const flows = await test.start(flow({ mode: 'answer' }))
    test.engine.begin('c1', { owner: 'incoming', direction: 'inbound' })
    await flows.status('incoming', 'listening')
    test.engine.tell('c1', 'call.incoming')
    test.engine.tell('c1', 'call.answered')
    assert.equal((await flows.message('incoming-1')).topic, 'call.answered')
    assert.deepEqual(
      flows.messages('incoming-2').map((m) => m.topic),
      ['call.incoming'],
    )
  })

  it('mode reject: everything at output 2', async () => {
    const flows = await test.start(flow({ mode: 'reject', rejectStatus: '603' }))
    await flows.status('incoming', 'listening')
    assert.equal(test.engine.sent('setInbound')[0]?.rule?.rejectStatus, 603)
    test.engine.begin('c1', { owner: 'incoming', direction: 'inbound' })
    test.engine.tell('c1', 'call.incoming')
    test.engine.end('c1', { by: 'local', cause: 'rejected', sipCode: 603 })
    await flows.message('incoming-2', (m) => m.payload === 'rejected')
    assert.deepEqual(flows.messages('incoming-1'), [])
  })

  it('mode reject: a redirection needs addresses, so 302 is not a status for it', async () => {
    const flows = await test.start(flow({ mode: 'reject', rejectStatus: '302' }))
    assert.equal(flows.statuses.get('incoming')?.fill, 'red')
    assert.ok(flows.logged.some((line) => line.includes('SIP status: 302')))
    assert.deepEqual(test.engine.sent('setInbound'), [])
  })

  it('one per account: the second says so', async () => {
    const flows = await test.start([...flow(), ...wired('second', 'sip-incoming', 2, { account: 'account' })])
    assert.equal(flows.statuses.get('second')?.text, 'bad settings: Account')
    assert.ok(flows.logged.some((line) => line.includes('another incoming node')))
    await flows.status('incoming', 'listening')
    assert.equal(test.engine.sent('setInbound')[0]?.rule?.owner, 'incoming')
  })
})
