import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeploy } from '../../nodes/shared/deploys.js'
import { telephony } from '../../nodes/shared/telephony.js'
import { FakeEngine } from '../support/fake-engine.js'
import { fakeFlows } from '../support/fake-flows.js'
import { account, watchers, wired } from '../support/flow-items.js'
import type { FlowItem } from '../support/node-red.js'

describe('calls across deploys', () => {
  const test = fakeFlows()

  const flow = (settings: Record<string, unknown> = {}): FlowItem[] => [
    ...account(settings),
    ...wired('dial', 'sip-dial', 3, { account: 'account' }),
    ...wired('play', 'sip-play-media', 2, { file: 'hello.wav' }),
    ...wired('incoming', 'sip-incoming', 2, { account: 'account' }),
    ...wired('cdr', 'sip-cdr-out', 1),
    ...watchers(['dial', 'play']),
  ]

  async function dialled(): Promise<string> {
    const asked = test.engine.asked('dial')
    test.flows.receive('dial', { payload: '1002' })
    const { callId } = await asked
    assert.ok(callId)
    test.engine.begin(callId, { owner: 'dial' })
    return callId
  }

  it('pins how a deploy is told from a stop', async () => {
    const stops: { type: string; deploy: boolean }[] = []
    const flows = await test.start(flow())
    flows.onEvent('flows:stopping', (event: { type: string }) => {
      stops.push({ type: event.type, deploy: isDeploy(event) })
    })
    await flows.deploy(flow(), 'full')
    await flows.deploy(flow(), 'flows')
    await flows.deploy(flow(), 'nodes')
    await flows.restart()
    assert.deepEqual(stops, [
      { type: 'full', deploy: true },
      { type: 'flows', deploy: true },
      { type: 'nodes', deploy: true },
      { type: 'full', deploy: false },
    ])
  })

  it('keeps call and account through a Full deploy; events reach the new nodes', async () => {
    const flows = await test.start(flow())
    const callId = await dialled()
    const before = flows.node('dial')
    await flows.deploy(flow(), 'full')
    assert.notEqual(flows.node('dial'), before)

    assert.equal(flows.statuses.get('dial')?.text, 'ready')
    test.engine.tell(callId, 'call.ringing', { sipCode: 180 })
    await flows.message('dial-3', (m) => m.topic === 'call.ringing')
    await flows.deploy(flow(), 'full')
    assert.equal(flows.statuses.get('dial')?.text, 'ringing')
    test.engine.tell(callId, 'call.answered')
    const answered = await flows.message('dial-1')
    assert.equal(answered.payload, '1002')
    await flows.message('completed')
    assert.equal(test.engine.sent('setAccount').length, 1)
    assert.equal(test.engine.sent('setInbound').length, 1)
    assert.deepEqual(test.engine.sent('removeAccount'), [])
    assert.deepEqual(test.engine.sent('hangup'), [])
    assert.equal(test.engine.closed, 0)
  })

  it('hands what happens while nodes are being replaced to the new ones, in order', async () => {
    const flows = await test.start(flow())
    const callId = await dialled()
    flows.onEvent('flows:stopped', () => {
      test.engine.tell(callId, 'call.ringing', { sipCode: 180 })
      test.engine.end(callId, { cause: 'busy', sipCode: 486 })
    })
    await flows.deploy(flow(), 'full')
    await flows.message('dial-2', (m) => m.payload === 'busy')
    await flows.message('cdr-1', (m) => (m.payload as { cause: string }).cause === 'busy')
    assert.deepEqual(
      flows.messages('dial-3').map((m) => m.topic),
      ['call.ringing', 'call.ended'],
    )
  })

  it('ends an action that began before the deploy at the new node', async () => {
    const flows = await test.start(flow())
    let end: (result: unknown) => void = () => assert.fail('play was not asked')
    test.engine.reply('play', () => new Promise((resolve) => (end = resolve)))
    const asked = test.engine.asked('play')
    flows.receive('play', { call: { id: 'c1' }, mine: 'kept' })
    await asked
    await flows.status('play', 'playing')
    await flows.deploy(flow(), 'full')
    assert.equal(flows.statuses.get('play')?.text, 'playing')
    end({ ended: 'finished', playedMs: 1000 })
    assert.equal((await flows.message('play-1')).mine, 'kept')
    assert.equal((await flows.message('completed')).mine, 'kept')
    assert.equal(flows.statuses.get('play')?.text, 'ready')
  })

  it('an action whose node a deploy deletes is done: Complete hears of it, Catch does not', async () => {
    const flows = await test.start(flow())
    let fail: (error: Error) => void = () => assert.fail('play was not asked')
    test.engine.reply('play', () => new Promise((_, reject) => (fail = reject)))
    const asked = test.engine.asked('play')
    flows.receive('play', { call: { id: 'c1' }, mine: 'kept' })
    await asked
    await flows.deploy(
      flow().filter(({ id }) => id !== 'play'),
      'nodes',
    )
    fail(new Error('gone'))
    assert.equal((await flows.message('completed')).mine, 'kept')
    assert.deepEqual(flows.messages('caught'), [])
  })

  it('tells Catch nodes of the new flow what failed after the deploy', async () => {
    const flows = await test.start(flow())
    let fail: (error: Error) => void = () => assert.fail('play was not asked')
    test.engine.reply('play', () => new Promise((_, reject) => (fail = reject)))
    const asked = test.engine.asked('play')
    flows.receive('play', { call: { id: 'c1' } })
    await asked
    await flows.deploy(flow(), 'full')
    fail(Object.assign(new Error('gone')))
    assert.equal(((await flows.message('caught')).error as { code: string }).code, 'INTERNAL')
  })

  it('changed settings go to the engine, which decides what they cut; the rule for inbound calls stays', async () => {
    const flows = await test.start(flow())
    await flows.status('incoming', 'listening')
    const asked = test.engine.asked('setAccount')
    await flows.deploy(flow({ name: 'renamed', maxCalls: '3' }), 'full')
    const { name, maxCalls } = await asked
    assert.deepEqual([name, maxCalls], ['renamed', 3])
    assert.equal(test.engine.sent('setInbound').length, 1)
    assert.deepEqual(test.engine.sent('removeAccount'), [])
    assert.equal(flows.statuses.get('incoming')?.text, 'listening')
  })

  it('removes a deleted account at once', async () => {
    const flows = await test.start(flow())
    const removed = test.engine.asked('removeAccount')
    await flows.deploy(
      flow().filter(({ id }) => id !== 'account'),
      'full',
    )
    assert.deepEqual(await removed, { accountId: 'account' })
    assert.equal(flows.statuses.get('dial')?.text, 'account deleted')
  })

  it('a call whose node is deleted follows its account; sip-event and CDR still tell', async () => {
    const withEvents = (items: FlowItem[]) => [...items, ...wired('event', 'sip-event', 1)]
    const flows = await test.start(withEvents(flow()))
    const callId = await dialled()
    test.engine.tell(callId, 'call.answered')
    await flows.message('dial-1')
    await flows.deploy(withEvents(flow().filter(({ id }) => id !== 'dial')), 'full')
    assert.deepEqual(test.engine.sent('orphan'), [{ callId }])
    test.engine.end(callId)
    await flows.message('event-1', (m) => m.topic === 'call.ended')
    await flows.message('cdr-1')
  })

  it('gives inbound calls up when their node is gone', async () => {
    const flows = await test.start(flow())
    const cleared = test.engine.asked('setInbound')
    await flows.deploy(
      flow().filter(({ id }) => id !== 'incoming'),
      'full',
    )
    await cleared
    assert.deepEqual(test.engine.sent('setInbound').at(-1), { accountId: 'account', rule: null })
  })

  it('records of calls that a stop ends come at the next start, once', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ringflow-stop-'))
    try {
      const flows = await test.start(flow(), { settings: { userDir: folder } })
      const callId = await dialled()
      test.engine.close = async () => test.engine.end(callId, { by: 'local' })
      await flows.restart()
      const { payload } = await flows.message('cdr-1')
      assert.equal((payload as { id: string }).id, callId)
      await flows.restart()
      assert.equal(flows.messages('cdr-1').length, 1)
      assert.equal(flows.messages('dial-3').filter(({ topic }) => topic === 'call.ended').length, 0)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  it('a stop ends the engine inside close; a restart begins a new one', async () => {
    const engines: FakeEngine[] = []
    telephony.engine.startWith(async () => {
      engines.push(new FakeEngine())
      return engines.at(-1) as FakeEngine
    })
    const flows = await test.start(flow())
    await flows.status('incoming', 'listening')
    await flows.restart()
    await flows.status('incoming', 'listening')
    assert.deepEqual(
      engines.map(({ closed }) => closed),
      [1, 0],
    )
    assert.equal(engines[1]?.sent('setAccount').length, 1)
    assert.equal(engines[1]?.sent('setInbound').length, 1)
  })
})
