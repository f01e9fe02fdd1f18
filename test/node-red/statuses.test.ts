import assert from 'node:assert/strict'
import { telephony } from '../../nodes/shared/telephony.js'
import { systemClock } from '../../src/base/clock.js'
import { TelephonyError } from '../../src/base/errors.js'
import type { CallEnd } from '../../src/call/call-event.js'
import type { RegistrationState } from '../../src/engine/protocol.js'
import { FakeClock } from '../support/fake-clock.js'
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

  describe('after a failure', () => {
    const clock = new FakeClock()
    before(() => {
      telephony.clock = clock
    })
    after(() => {
      telephony.clock = systemClock
    })

    async function callFails(init: Partial<CallEnd>): Promise<void> {
      const asked = test.engine.asked('dial')
      test.flows.receive('dial', { payload: '1002' })
      const { callId = '' } = await asked
      test.engine.begin(callId, { owner: 'dial' })
      test.engine.end(callId, init)
    }

    it('comes back after a minute, because “network error” could be the account’s', async () => {
      const flows = await test.start([...account({ register: true }), ...NODES])
      become(registered)
      await flows.status('dial', 'registered')
      await callFails({ by: 'error', cause: 'failed', sipCode: 503, reason: 'no network' })
      await flows.status('dial', 'network error')
      clock.advance(59_999)
      assert.equal(flows.statuses.get('dial')?.text, 'network error')
      clock.advance(1)
      await flows.status('dial', 'registered')
      assert.equal(clock.pending, 0)
    })

    it('leaves the outcome of a call that no account has', async () => {
      const flows = await test.start([...account({ register: true }), ...NODES])
      become(registered)
      await flows.status('dial', 'registered')
      await callFails({ by: 'remote', cause: 'busy', sipCode: 486, reason: 'Busy Here' })
      await flows.status('dial', 'busy')
      assert.equal(clock.pending, 0)
    })

    it('keeps no timer when the node is deployed anew, and when the flows stop', async () => {
      const flows = await test.start([...account(), ...NODES])
      for (const close of [() => flows.deploy([...account(), ...NODES], 'full'), () => flows.stop()]) {
        await flows.status('dial', 'ready')
        flows.receive('dial', { payload: '' })
        await flows.status('dial', 'bad target')
        assert.equal(clock.pending, 1)
        await close()
        assert.equal(clock.pending, 0)
      }
    })
  })

  it('is the account’s again if an input fails because the account cannot be used', async () => {
    const busy = new TelephonyError('TRANSPORT', 'port 5085 is in use')
    test.engine.reply('setAccount', () => {
      const state = { ...failed(0, true), reason: busy.message, portInUse: 5085 } as RegistrationState
      become(state)
      throw busy
    })
    const flows = await test.start([...account({ register: true }), ...NODES])
    await flows.status('dial', 'port in use 5085')
    flows.receive('dial', { payload: '1002' })
    const caught = await flows.message('caught')
    assert.equal((caught.error as { message: string }).message, busy.message)
    await new Promise(setImmediate)
    assert.equal(flows.statuses.get('dial')?.text, 'port in use 5085')
  })

  it('stays the failure while the registration is tried again, except by hand', async () => {
    const flows = await test.start([...account({ register: true }), ...NODES])
    const seen: (string | undefined)[] = []
    flows.onEvent('node-status', ({ id, status }: { id: string; status?: { text?: string } }) => {
      if (id === 'dial' || id === 'account') seen.push(`${id} ${status?.text}`)
    })
    become({ state: 'registering' })
    become(failed(408, true))
    await flows.status('account', 'no response')
    become({ state: 'registering' })
    become(failed(408, true))
    become({ state: 'registering' })
    become(failed(503, true))
    await flows.status('account', 'network error')
    become({ state: 'registering' })
    become(registered)
    await flows.status('account', 'registered')
    assert.deepEqual([...new Set(seen)].sort(), [
      'account network error',
      'account no response',
      'account registered',
      'account registering',
      'dial network error',
      'dial no response',
      'dial registered',
      'dial registering',
    ])
    assert.equal(seen.filter((status) => status === 'dial registering').length, 1)
    assert.equal(seen.filter((status) => status === 'account registering').length, 1)

    become(failed(408, true))
    await flows.status('register', 'no response')
    const asked = test.engine.asked('register')
    flows.receive('register', { payload: 'register' })
    await asked
    become({ state: 'registering' })
    await flows.status('register', 'registering')
    become(registered)
  })

  it('says that the account was deleted, with one line in the log for all its nodes', async () => {
    const nodes = NODES.map((node) => ('account' in node ? { ...node, account: 'gone' } : node))
    const flows = await test.start([...account(), ...nodes])
    for (const id of ['dial', 'incoming', 'register'])
      assert.equal((await flows.status(id, 'account deleted')).fill, 'red')
    const lines = () => flows.logged.filter((line) => line.includes('the chosen account was deleted'))
    assert.equal(lines().length, 1, lines().join('\n'))
    flows.receive('dial', { payload: '1002' })
    const caught = await flows.message('caught')
    assert.equal((caught.error as { code?: string }).code, 'BAD_CONFIG')
    await flows.deploy([...account(), ...nodes], 'full')
    assert.equal(lines().length, 2, 'a deploy reports it again')
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
    const broken = account().map((item) => (item.type === 'sip-transport' ? { ...item, udpPort: 'abc' } : item))
    const flows = await test.start([...broken, ...NODES])
    for (const [id, setting] of [
      ['transport', 'UDP port'],
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
