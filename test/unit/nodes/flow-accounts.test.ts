import assert from 'node:assert/strict'
import { FlowAccounts } from '../../../nodes/shared/flow-accounts.js'
import { SharedEngine } from '../../../nodes/shared/shared-engine.js'
import { TelephonyError } from '../../../src/base/errors.js'
import type { AccountConfig, InboundRule, RegistrationState } from '../../../src/engine/protocol.js'
import { FakeClock } from '../../support/fake-clock.js'
import { FakeEngine } from '../../support/fake-engine.js'

const config = (changes: Partial<AccountConfig> = {}): AccountConfig => ({
  id: 'account',
  name: 'pbx',
  transport: {
    id: 'transport',
    name: '',
    bindAddress: '127.0.0.1',
    ports: { udp: 0 },
    publicAddress: '',
    userAgent: '',
    rtpPortMin: 10_000,
    rtpPortMax: 20_000,
  },
  proxy: null,
  aor: 'alice@127.0.0.1',
  displayName: '',
  authUser: '',
  password: 'secret',
  registrar: '',
  register: true,
  expiresSec: 600,
  codecs: ['PCMA'],
  ringTimeoutMs: 30_000,
  dtmfToneMs: 160,
  maxCalls: 10,
  inboundFrom: 'known',
  allowedSources: [],
  exposeHeaders: [],
  mediaTimeoutMs: 20_000,
  orphanedCalls: 'hangup',
  ...changes,
})

const rule: InboundRule = { mode: 'flow', sendRinging: true, decideMs: 1_000, rejectStatus: 486, owner: 'node' }

describe('nodes/shared/accounts', () => {
  let clock: FakeClock
  let fake: FakeEngine
  let engine: SharedEngine
  let accounts: FlowAccounts
  let closing: boolean

  beforeEach(() => {
    clock = new FakeClock()
    fake = new FakeEngine()
    engine = new SharedEngine({ clock })
    engine.configure({ mediaRoots: [], recordRoot: '', logLevel: 'silent' })
    engine.startWith(async () => fake)
    closing = false
    accounts = new FlowAccounts({ engine, clock, isClosing: () => closing })
  })

  it('starts no engine before there is an account', async () => {
    await assert.rejects(engine.call('calls', null), { code: 'CLOSED' })
    await assert.rejects(accounts.ready('account'), { code: 'NO_ACCOUNT' })
    assert.deepEqual(fake.commands, [])
  })

  it('waits, visibly, for a socket that the engine goes on trying to open, and works from then on', async () => {
    const tell = (registration: RegistrationState) => fake.emit('registration', { accountId: 'account', registration })
    const failed = { state: 'failed', status: 0, reason: 'port 5060 is in use', retryAt: 'soon' } as const
    fake.reply('setAccount', () => {
      tell(failed)
      throw new TelephonyError('TRANSPORT', failed.reason)
    })
    accounts.attach(config())
    accounts.setInbound('account', rule)
    await assert.rejects(accounts.ready('account'), { code: 'TRANSPORT', message: failed.reason })
    assert.deepEqual(accounts.state('account'), failed)
    const other: InboundRule = { ...rule, decideMs: 2_000 }
    accounts.setInbound('account', other)
    tell(failed)
    await assert.rejects(accounts.ready('account'), { code: 'TRANSPORT' })
    tell({ state: 'registering' })
    await accounts.ready('account')
    assert.deepEqual(
      fake.sent('setInbound').map((sent) => sent.rule),
      [rule, other],
    )
    assert.deepEqual(accounts.state('account'), { state: 'registering' })
  })

  it('tells the engine who takes the calls before there is an account that could get one', async () => {
    accounts.attach(config())
    accounts.setInbound('account', rule)
    await accounts.ready('account')
    assert.deepEqual(
      fake.commands.map(({ op }) => op),
      ['setInbound', 'setAccount'],
    )
  })

  it('comes back within the grace: nothing happens on the wire', async () => {
    accounts.attach(config())
    await accounts.ready('account')
    accounts.detach('account', false)
    clock.advance(4_999)
    accounts.attach(config())
    clock.advance(60_000)
    await accounts.ready('account')
    assert.deepEqual(
      fake.commands.map(({ op }) => op),
      ['setAccount'],
    )
    assert.equal(clock.pending, 0)
  })

  it('stays away: removed after 5 s, and not while nodes are still being closed', async () => {
    accounts.attach(config())
    await accounts.ready('account')
    accounts.detach('account', false)
    closing = true
    clock.advance(5_000)
    closing = false
    clock.advance(4_999)
    await new Promise((resolve) => setImmediate(resolve)) // told to the engine a turn later
    assert.deepEqual(fake.sent('removeAccount'), [])
    const removed = fake.asked('removeAccount')
    clock.advance(1)
    assert.deepEqual(await removed, { accountId: 'account' })
    await assert.rejects(accounts.ready('account'), { code: 'NO_ACCOUNT' })
  })

  it('gets what the nodes do not know before the engine sees it, and again when that has changed', async () => {
    let userAgent = 'one'
    const complete = async (account: AccountConfig) => ({
      ...account,
      transport: { ...account.transport, userAgent },
    })
    accounts = new FlowAccounts({ engine, clock, isClosing: () => closing, complete })
    accounts.attach(config())
    await accounts.ready('account')
    userAgent = 'two'
    accounts.renew()
    await accounts.ready('account')
    assert.deepEqual(
      fake.sent('setAccount').map(({ transport }) => transport.userAgent),
      ['one', 'two'],
    )
    assert.equal(accounts.config('account')?.transport.userAgent, '', 'deploys compare what the nodes say')
  })

  it('other settings replace it, a password among them', async () => {
    accounts.attach(config())
    accounts.attach(config({ password: 'changed' }))
    await accounts.ready('account')
    assert.deepEqual(
      fake.sent('setAccount').map(({ password }) => password),
      ['secret', 'changed'],
    )
  })

  it('removed and made anew: the old one is gone first', async () => {
    accounts.attach(config())
    await accounts.ready('account')
    accounts.detach('account', true)
    accounts.attach(config())
    await accounts.ready('account')
    assert.deepEqual(
      fake.commands.map(({ op }) => op),
      ['setAccount', 'removeAccount', 'setAccount'],
    )
  })

  it('a start that failed is tried again by the next account', async () => {
    let starts = 0
    engine.startWith(async () => {
      if (++starts === 1) throw new Error('no thread')
      return fake
    })
    accounts.attach(config())
    await assert.rejects(accounts.ready('account'), { code: 'ENGINE_DIED' })
    assert.equal(accounts.state('account')?.state, 'broken')
    accounts.attach(config())
    await accounts.ready('account')
    assert.equal(accounts.state('account')?.state, 'idle')
  })

  it('an engine that does not end is given up after 3 s', async () => {
    await engine.start()
    fake.close = () => new Promise(() => undefined)
    let ended = false
    const stopped = engine.stop().then(() => (ended = true))
    clock.advance(2_999)
    await Promise.resolve()
    assert.equal(ended, false)
    // The limit is set once the engine is known to run, a few turns later.
    await new Promise(setImmediate)
    clock.advance(3_000)
    await stopped
    assert.equal(clock.pending, 0)
  })
})
