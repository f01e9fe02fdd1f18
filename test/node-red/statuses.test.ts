import assert from 'node:assert/strict'
import type { RegistrationState } from '../../src/engine/protocol.js'
import { fakeFlows } from '../support/fake-flows.js'
import { account, watchers, wired } from '../support/flow-items.js'
import type { FlowItem } from '../support/node-red.js'

describe('the status of a node with nothing to do', () => {
  const test = fakeFlows()

  const NODES: FlowItem[] = [
    ...wired('dial', 'sip-dial', 3, { account: 'account' }),
    ...wired('incoming', 'sip-incoming', 2, { account: 'account' }),
    ...wired('register', 'sip-register', 1, { account: 'account' }),
    ...wired('play', 'sip-play-media', 2, { source: 'tone' }),
    ...wired('gather', 'sip-gather', 2),
    ...wired('event', 'sip-event', 1),
    ...wired('cdr', 'sip-cdr-out', 1, { account: 'account' }),
    ...watchers(['dial']),
  ]
  const IDS = ['dial', 'incoming', 'register', 'play', 'gather', 'event', 'cdr']

  const become = (registration: RegistrationState, accountId = 'account') =>
    test.engine.emit('registration', { accountId, registration })
  const registered = {
    state: 'registered',
    expiresAt: '2026-01-01T00:10:00.000Z',
    contact: 'sip:alice@127.0.0.1',
  } as const
  const failed = (status: number, local?: true): RegistrationState => ({
    state: 'failed',
    status,
    reason: '',
    retryAt: null,
    ...(local && { local }),
  })

  for (const [what, state, text, fill] of [
    ['registered', registered, 'registered', 'green'],
    ['under way', { state: 'registering' }, 'registering', 'yellow'],
    ['refused for its password', failed(401), 'wrong password', 'red'],
    ['forbidden', failed(403), 'not allowed', 'red'],
    ['without any answer', failed(408, true), 'no response', 'red'],
    ['ended', { state: 'idle' }, 'not registered', 'grey'],
  ] as const) {
    it(`is the registration of its account: ${what}`, async () => {
      const flows = await test.start([...account({ register: true }), ...NODES])
      await flows.status('register', 'not registered')
      become({ state: 'registering' })
      become(state as RegistrationState)
      for (const id of IDS) assert.equal((await flows.status(id, text)).fill, fill, id)
    })
  }

  it('says so where the account does not register', async () => {
    const flows = await test.start([...account(), ...NODES])
    await flows.status('dial', 'ready')
    assert.deepEqual(
      IDS.map((id) => flows.statuses.get(id)?.text),
      ['ready', 'listening', 'not registered', 'ready', 'ready', 'ready', 'ready'],
    )
  })

  it('is empty where a node works for several accounts', async () => {
    const second = account().filter(({ type }) => type === 'sip-account')
    const others = second.map((item) => ({ ...item, id: 'second', aor: 'bob@127.0.0.1' }))
    const flows = await test.start([...account(), ...others, ...NODES])
    await flows.status('dial', 'ready')
    assert.deepEqual(flows.statuses.get('play'), {})
  })

  it('comes back after a call when the account has news, and not before', async () => {
    const flows = await test.start([...account({ register: true }), ...NODES])
    become(registered)
    await flows.status('dial', 'registered')
    const asked = test.engine.asked('dial')
    flows.receive('dial', { payload: '1002' })
    const { callId = '' } = await asked
    test.engine.begin(callId, { owner: 'dial' })
    test.engine.tell(callId, 'call.ringing', { sipCode: 180 })
    await flows.status('dial', 'ringing')
    become(failed(503))
    await flows.status('incoming', 'failed 503')
    assert.equal(flows.statuses.get('dial')?.text, 'ringing')
    test.engine.end(callId, { cause: 'busy', sipCode: 486, reason: 'Busy Here' })
    await flows.status('dial', 'busy')
    become(failed(503))
    become(registered)
    await flows.status('dial', 'registered')
  })

  it('takes the place of an error when the node is deployed anew', async () => {
    const flows = await test.start([...account(), ...NODES])
    await flows.status('dial', 'ready')
    flows.receive('dial', { payload: '' })
    flows.receive('play', { payload: '' })
    assert.equal((await flows.status('dial', 'bad target')).fill, 'red')
    assert.equal((await flows.status('play', 'no call')).fill, 'red')
    await flows.deploy([...account(), ...NODES], 'full')
    assert.equal(flows.statuses.get('dial')?.text, 'ready')
    assert.equal(flows.statuses.get('play')?.text, 'ready')
  })

  it('of a transport goes away with what was wrong', async () => {
    const broken = account().map((item) => (item.type === 'sip-transport' ? { ...item, bindPort: 'abc' } : item))
    const flows = await test.start([...broken, ...NODES])
    for (const [id, setting] of [
      ['transport', 'Port'],
      ['account', 'Transport'],
      ['dial', 'Account'],
      ['incoming', 'Account'],
    ] as const) {
      assert.equal((await flows.status(id, `bad settings: ${setting}`)).fill, 'red')
    }
    await flows.deploy([...account(), ...NODES], 'full')
    await flows.status('incoming', 'listening')
    assert.deepEqual(flows.statuses.get('transport'), {})
  })
})
