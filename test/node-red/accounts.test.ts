import assert from 'node:assert/strict'
import { TelephonyError } from '../../src/base/errors.js'
import { fakeFlows } from '../support/fake-flows.js'
import { account, watchers, wired } from '../support/flow-items.js'

const SECRET = 's3cret-4711'

// biome-ignore lint/suspicious/noTemplateCurlyInString: Node-RED's own notation
const ENV = '${RINGFLOW_TEST_UNSET}'

describe('sip-account and who uses it', () => {
  const test = fakeFlows()

  it('hands transport, proxy, settings and password to the engine, and the password only to the engine', async () => {
    const flows = await test.start(
      [
        {
          id: 'proxy',
          type: 'sip-proxy',
          version: 2,
          hops: [' proxy.example.com:5060;strict', 'sip:b.example.com, <c.example.com>'],
        },
        ...account({
          proxy: 'proxy',
          register: true,
          expires: '300',
          abandonedAfter: '90',
          allowedSources: '192.0.2.1, 198.51.100.0/24',
          exposeHeaders: 'X-Ticket',
          stripPrefix: '9',
          countryCode: '+49',
          addPrefix: ' 0 ',
        }),
        ...wired('register', 'sip-register', 1, { account: 'account' }),
        ...wired('event', 'sip-event', 1),
        ...watchers([]),
      ],
      { credentials: { account: { password: SECRET } } },
    )
    await flows.status('register', 'not registered')
    test.engine.emit('registration', {
      accountId: 'account',
      registration: { state: 'failed', status: 403, reason: 'Forbidden', retryAt: null },
    })
    await flows.message('event-1')
    await flows.message('stated', (m) => (m.status as { text: string }).text === 'not allowed')
    const [config] = test.engine.sent('setAccount')
    assert.equal(config?.password, SECRET)
    const hops = ['proxy.example.com:5060;strict', 'sip:b.example.com, <c.example.com>']
    assert.deepEqual(config?.proxy, { id: 'proxy', name: '', hops })
    assert.equal(config?.transport.ipVersion, 'prefer-4')
    assert.equal(config?.transport.bindAddress, '127.0.0.1')
    assert.match(config?.transport.userAgent ?? '', /^Ringflow\/\d+\.\d+\.\d+/)
    assert.equal(config?.expiresSec, 300)
    assert.equal(config?.abandonedAfterMs, 90_000)
    assert.deepEqual(config?.allowedSources, ['192.0.2.1', '198.51.100.0/24'])
    assert.deepEqual(config?.exposeHeaders, ['X-Ticket'])
    assert.deepEqual(config?.dialPlan, { stripPrefix: '9', addPrefix: '0', countryCode: '49' })
    assert.equal(config?.redirects, 'follow')
    const told = JSON.stringify([
      flows.logged,
      [...flows.statuses],
      ...['register-1', 'event-1', 'caught', 'stated'].map((inbox) => flows.messages(inbox)),
    ])
    assert.ok(!told.includes(SECRET))
    const node = flows.node('account') as object as { users: object }
    assert.deepEqual(Object.keys(node.users), ['register'])
  })

  it('shows the registration at its users and tells each change once', async () => {
    const flows = await test.start([
      ...account({ register: true }),
      ...wired('register', 'sip-register', 1, { account: 'account', action: 'register' }),
      ...wired('incoming', 'sip-incoming', 2, { account: 'account' }),
      ...watchers(['register']),
    ])
    await flows.status('incoming', 'not registered')
    const registered = { state: 'registered', expiresAt: '2026-01-01T00:10:00Z', contact: 'sip:a@b' } as const
    test.engine.emit('registration', { accountId: 'account', registration: { state: 'registering' } })
    test.engine.emit('registration', { accountId: 'account', registration: registered })
    test.engine.emit('registration', { accountId: 'account', registration: registered })
    assert.deepEqual(await flows.status('incoming', 'registered'), { fill: 'green', shape: 'dot', text: 'registered' })
    await flows.status('register', 'registered')
    await flows.message('register-1', (m) => m.payload === 'registered')
    assert.deepEqual(
      flows.messages('register-1').map((m) => [m.topic, m.payload, (m.account as { name: string }).name]),
      [
        ['registration.registering', 'registering', 'pbx'],
        ['registration.registered', 'registered', 'pbx'],
      ],
    )
  })

  it('sip-register is done when the registrar has answered', async () => {
    const flows = await test.start([
      ...account({ register: false }),
      ...wired('register', 'sip-register', 1, { account: 'account' }),
      ...watchers(['register']),
    ])
    const registering = { accountId: 'account', registration: { state: 'registering' } } as const
    test.engine.reply('register', () => test.engine.emit('registration', registering))
    flows.receive('register', { payload: 'register' })
    await flows.message('register-1', (m) => m.payload === 'registering')
    assert.deepEqual(flows.messages('completed'), [])
    const failed = { state: 'failed', status: 408, reason: 'Timeout', retryAt: null } as const
    test.engine.emit('registration', { accountId: 'account', registration: failed })
    await flows.message('completed')
    assert.deepEqual(flows.messages('caught'), [])

    flows.receive('register', { payload: 'sing' })
    const caught = await flows.message('caught')
    assert.equal((caught.error as { code: string }).code, 'BAD_ARGUMENT')
  })

  it('a socket that cannot be opened is said everywhere, and dialling names it', async () => {
    test.engine.reply('setAccount', () => {
      throw new TelephonyError('TRANSPORT', '127.0.0.1:5060 is taken')
    })
    const flows = await test.start([
      ...account(),
      ...wired('incoming', 'sip-incoming', 2, { account: 'account' }),
      ...wired('dial', 'sip-dial', 3, { account: 'account' }),
      ...watchers([]),
    ])
    await flows.status('incoming', 'network error')
    flows.receive('dial', { payload: '1002' })
    const caught = await flows.message('caught', (m) => (m.error as { source: { id: string } }).source.id === 'dial')
    assert.deepEqual((caught.error as { code: string }).code, 'TRANSPORT')
  })

  it('an environment variable that is not set, and other bad settings, are named', async () => {
    const flows = await test.start([
      { id: 'transport2', type: 'sip-transport', udpPort: 'abc' },
      { id: 'proxy', type: 'sip-proxy', hops: [] },
      ...account({ aor: ENV }),
    ])
    for (const [id, setting, text] of [
      ['transport2', 'UDP port', 'UDP port: "abc" is not a number'],
      ['proxy', 'Route', 'Route: name at least one proxy'],
      ['account', 'Address', 'RINGFLOW_TEST_UNSET'],
    ] as const) {
      assert.equal(flows.statuses.get(id)?.text, `bad settings: ${setting}`)
      assert.ok(
        flows.logged.some((line) => line.includes(text)),
        text,
      )
    }
    assert.deepEqual(test.engine.commands, [])
  })

  it('a password from an environment variable that is not set is never tried', async () => {
    const flows = await test.start(account(), { credentials: { account: { password: ENV } } })
    assert.equal(flows.statuses.get('account')?.text, 'bad settings: Password')
    assert.ok(flows.logged.some((line) => line.includes('Password: the environment variable')))
    assert.deepEqual(test.engine.commands, [])
  })

  it('accounts without a transport share an automatic one', async () => {
    const settings = { type: 'sip-account', transport: '', register: false }
    await test.start([
      { id: 'tab', type: 'tab', label: 'calls' },
      { id: 'a', ...settings, aor: 'alice@127.0.0.1' },
      { id: 'b', ...settings, aor: 'bob@127.0.0.1' },
      ...wired('dial', 'sip-dial', 3, { account: 'b' }),
    ])
    await test.flows.status('dial', 'ready')
    const [a, b] = test.engine.sent('setAccount').map(({ transport }) => transport)
    assert.deepEqual(a, b)
    assert.deepEqual([a?.ports, a?.bindAddress], [{ udp: 5060 }, ''])
  })

  for (const ipVersion of ['prefer-6', '6', '4']) {
    it(`has the IP version of its transport: ${ipVersion}`, async () => {
      await test.start(
        account().map((item) => (item.type === 'sip-transport' ? { ...item, version: 2, ipVersion } : item)),
      )
      const config = test.engine.sent('setAccount')[0] ?? (await test.engine.asked('setAccount'))
      assert.equal(config.transport.ipVersion, ipVersion)
    })
  }

  it('says that its transport was deleted', async () => {
    const flows = await test.start(account().filter(({ id }) => id !== 'transport'))
    assert.equal(flows.statuses.get('account')?.text, 'bad settings: Transport')
    assert.ok(flows.logged.some((line) => line.includes('Transport: the chosen one was deleted')))
  })

  it('warns once of two accounts of one address on one transport, as a copied flow brings them', async () => {
    const copy = account().filter(({ type }) => type === 'sip-account')
    const flow = [...account(), ...copy.map((item) => ({ ...item, id: 'copy' }))]
    const flows = await test.start(flow)
    const warnings = () => flows.logged.filter((line) => line.includes('has the same address alice@127.0.0.1'))
    assert.equal(warnings().length, 1)
    await flows.deploy(flow, 'full')
    assert.equal(warnings().length, 1)
    await flows.deploy(account(), 'full')
    await flows.deploy(flow, 'full')
    assert.equal(warnings().length, 2)
  })

  it('writes one sentence into the log for one trouble, with the name of the account', async () => {
    const flows = await test.start([
      ...account({ register: true }),
      ...wired('dial', 'sip-dial', 3, { account: 'account' }),
    ])
    await flows.status('dial', 'not registered')
    const failed = {
      state: 'failed',
      status: 503,
      reason: 'the name pbx.local cannot be resolved',
      local: true,
    } as const
    for (const wait of [4_000, 8_000]) {
      const retryAt = new Date(Date.now() + wait).toISOString()
      test.engine.emit('registration', { accountId: 'account', registration: { state: 'registering' } })
      test.engine.emit('registration', { accountId: 'account', registration: { ...failed, retryAt } })
    }
    assert.deepEqual(
      flows.logged.filter((line) => line.includes('pbx.local')),
      ['[ringflow] Account pbx: the name pbx.local cannot be resolved; next try in 4 s'],
    )
  })

  it('an engine that dies is everyone’s status, until it is back', async () => {
    const flows = await test.start([
      ...account(),
      ...wired('incoming', 'sip-incoming', 2, { account: 'account' }),
      ...wired('dial', 'sip-dial', 3, { account: 'account' }),
      ...wired('event', 'sip-event', 1, { events: ['engine.failed', 'engine.up'] }),
      ...watchers(['dial']),
    ])
    await flows.status('incoming', 'listening')
    test.engine.emit('engine', { state: 'failed', reason: 'out of memory' })
    for (const id of ['incoming', 'dial', 'event']) {
      assert.deepEqual(await flows.status(id, 'engine restarting'), {
        fill: 'red',
        shape: 'ring',
        text: 'engine restarting',
      })
    }
    test.engine.emit('engine', { state: 'up', reason: '' })
    await flows.status('incoming', 'listening')
    await flows.message('event-1', (m) => m.topic === 'engine.up')
  })

  it('sip-event filters by name and account', async () => {
    const flows = await test.start([
      ...account(),
      ...wired('incoming', 'sip-incoming', 2, { account: 'account' }),
      ...wired('event', 'sip-event', 1, { account: 'account', events: ['call.digit'] }),
      ...wired('cdr', 'sip-cdr-out', 1, { account: 'account' }),
    ])
    await flows.status('incoming', 'listening')
    test.engine.begin('c1', { owner: 'incoming' })
    test.engine.begin('other', { owner: null, accountId: 'another' })
    for (const id of ['other', 'c1']) {
      test.engine.tell(id, 'call.incoming')
      test.engine.tell(id, 'call.digit', { digit: id === 'c1' ? '1' : '2', durationMs: 100 })
      test.engine.end(id)
    }
    const cdr = await flows.message('cdr-1')
    assert.deepEqual(
      flows.messages('event-1').map((m) => m.payload),
      ['1'],
    )
    assert.equal((cdr.payload as { id: string }).id, 'c1')
    assert.equal(flows.messages('cdr-1').length, 1)
    assert.ok(Object.values(cdr.payload as object).every((value) => typeof value !== 'object' || value === null))
  })
})
