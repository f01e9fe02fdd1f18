import assert from 'node:assert/strict'
import { newId } from '../../../src/base/ids.js'
import { FakeIncomingInvite, sdpBody } from '../../support/fake-user-agent.js'
import { uriOf } from '../../support/uri.js'
import { peerSdp } from '../call/call-fixture.js'
import { account, answerRule, makeEngine, settled, transport, withCode } from './engine-fixture.js'

describe('engine', () => {
  it('says where an account can be reached, and changes nothing when told the same again', async () => {
    const { commands, network } = makeEngine()
    assert.deepEqual(await commands.setAccount(account()), {
      local: { host: '127.0.0.1', port: 5060 },
      listeners: [{ protocol: 'udp', host: '127.0.0.1', port: 5060 }],
    })
    const before = network.agent('alice@127.0.0.1')
    await commands.setAccount(account())
    await commands.setAccount(account({ name: 'renamed', ringTimeoutMs: 1, transport: transport({ name: 'x' }) }))
    assert.equal(network.agent('alice@127.0.0.1'), before)
    assert.equal(network.endpoints.length, 1)
  })

  it('opens one socket for accounts of one transport, two for two', async () => {
    const { commands, network } = makeEngine()
    await commands.setAccount(account())
    await commands.setAccount(account({ id: 'a2', aor: 'bob@127.0.0.1', transport: transport({ name: 'another' }) }))
    assert.equal(network.live.length, 1)
    await commands.setAccount(account({ id: 'a3', aor: 'c@127.0.0.1', transport: transport({ ports: { udp: 5070 } }) }))
    assert.equal(network.live.length, 2)
    await commands.removeAccount({ accountId: 'a1' })
    assert.equal(network.live.length, 2)
    await commands.removeAccount({ accountId: 'a2' })
    assert.deepEqual(
      network.live.map(({ local }) => local.port),
      [5070],
    )
  })

  it('gives transports with any port one socket each', async () => {
    const { commands, network } = makeEngine()
    const any = (id: string) => transport({ id, ports: { udp: 0 } })
    await commands.setAccount(account({ transport: any('t1') }))
    await commands.setAccount(account({ id: 'a2', aor: 'b@127.0.0.1', transport: any('t2') }))
    await commands.setAccount(account({ id: 'a3', aor: 'c@127.0.0.1', transport: any('t2') }))
    assert.equal(network.live.length, 2)
  })

  it('replaces an account whose settings changed, on the same socket', async () => {
    const { commands, network } = makeEngine()
    await commands.setAccount(account({ register: true }))
    const before = network.agent('alice@127.0.0.1')
    await settled()
    await commands.setAccount(account({ register: true, password: 'another' }))
    await settled()
    const after = network.agent('alice@127.0.0.1')
    assert.notEqual(after, before)
    assert.equal(before.closed, true)
    assert.deepEqual(
      before.sent.map(({ expires }) => expires),
      ['600', '0'],
    )
    assert.deepEqual(
      after.sent.map(({ expires }) => expires),
      ['600'],
    )
    assert.equal(after.contactUri, before.contactUri, 'the registrar sees one binding')
    assert.equal(network.live.length, 1)
  })

  it('moves two accounts to changed settings of the port that they share', async () => {
    const { commands, network } = makeEngine()
    const both = (userAgent: string) => [
      account({ transport: transport({ userAgent }) }),
      account({ id: 'a2', aor: 'bob@127.0.0.1', transport: transport({ userAgent }) }),
    ]
    await Promise.all(both('old').map((config) => commands.setAccount(config)))
    await Promise.all(both('new').map((config) => commands.setAccount(config)))
    assert.deepEqual(
      network.live.map(({ init }) => init.userAgent),
      ['new'],
    )
    assert.equal(network.live[0]?.agents.length, 2)
  })

  it('says so when a port stays in use', async () => {
    const { commands, clock, network } = makeEngine()
    await commands.setAccount(account())
    const other = account({ id: 'a2', aor: 'b@127.0.0.1', transport: transport({ userAgent: 'other' }) })
    const refused = assert.rejects(Promise.resolve(commands.setAccount(other)), withCode('TRANSPORT'))
    await settled()
    clock.advance(5_000)
    await refused
    await network.open({ host: '127.0.0.1', listeners: [{ protocol: 'udp', port: 5090 }], userAgent: 'a stranger' })
    const third = account({ id: 'a3', transport: transport({ ports: { udp: 5090 } }) })
    await assert.rejects(Promise.resolve(commands.setAccount(third)), (error: Error) => /in use/.test(error.message))
    for (const accountId of ['a1', 'a2', 'a3']) await commands.removeAccount({ accountId })
    assert.equal(clock.pending, 0)
  })

  const wrong: [name: string, config: Parameters<typeof account>[0]][] = [
    ['address of record', { aor: 'nobody' }],
    ['registrar', { registrar: 'a b' }],
    ['allowed source', { allowedSources: ['example.com'] }],
    ['proxy', { proxy: { id: 'p', name: '', hops: ['sip:a;lr', 'sip:b c;lr'] } }],
    ['number of proxies', { proxy: { id: 'p', name: '', hops: Array(17).fill('sip:a;lr') } }],
    ['port', { transport: transport({ ports: { udp: 70_000 } }) }],
    ['RTP ports', { transport: transport({ rtpPortMin: 2000, rtpPortMax: 1000 }) }],
    ['wildcard without public address', { transport: transport({ bindAddress: '0.0.0.0' }) }],
    ['STUN server', { transport: transport({ stunServer: 'stun:a' }) }],
    ['media address', { transport: transport({ mediaAddress: '203.0.113.1:4000' }) }],
    ['public address', { transport: transport({ publicAddress: 'a b' }) }],
    ['codecs', { codecs: [] }],
    ['registration time', { expiresSec: 0 }],
  ]
  for (const [name, config] of wrong) {
    it(`refuses a wrong ${name} and keeps the account as it was`, async () => {
      const { commands, network } = makeEngine()
      await commands.setAccount(account())
      await assert.rejects(Promise.resolve(commands.setAccount(account(config))), withCode('BAD_CONFIG'))
      assert.equal(network.agent('alice@127.0.0.1').closed, false)
    })
  }

  it('looks up a host name in the SDP of a peer', async () => {
    const { commands, network, media } = makeEngine(async (host) =>
      host === 'media.example' ? ['203.0.113.9'] : [host],
    )
    await commands.setAccount(account())
    await commands.dial({ accountId: 'a1', target: '1002' })
    network.agent('alice@127.0.0.1').invite0.answer(sdpBody(peerSdp({ host: 'media.example' })))
    await settled()
    assert.equal(media.sessions[0]?.connects.at(-1)?.remote.host, '203.0.113.9')
  })

  it('writes an address into SDP where the public address is a name, and the name everywhere else', async () => {
    const { commands, network, clock } = makeEngine(async () => ['203.0.113.9'])
    await commands.setAccount(account({ transport: transport({ publicAddress: 'home.example:5070' }) }))
    await commands.dial({ accountId: 'a1', target: '1002' })
    const agent = network.agent('alice@127.0.0.1')
    assert.match(agent.invite0.init.body?.content ?? '', /^c=IN IP4 203\.0\.113\.9\r$/m)
    assert.match(agent.contactUri, /@home\.example:5070$/)
    await commands.shutdown(null)
    assert.equal(clock.pending, 0)
  })

  it('writes the media address into SDP, and the public address everywhere else', async () => {
    const { commands, network } = makeEngine()
    const wire = transport({ publicAddress: '203.0.113.1', mediaAddress: '203.0.113.2' })
    await commands.setAccount(account({ transport: wire }))
    await commands.dial({ accountId: 'a1', target: '1002' })
    const agent = network.agent('alice@127.0.0.1')
    assert.match(agent.invite0.init.body?.content ?? '', /^c=IN IP4 203\.0\.113\.2\r$/m)
    assert.match(agent.contactUri, /@203\.0\.113\.1:/)
  })

  it('finds its public address by STUN, registers with it, and again when it changes', async () => {
    const { commands, network, clock } = makeEngine()
    const wire = transport({ stunServer: '198.51.100.7' })
    await commands.setAccount(account({ transport: wire, register: true }))
    const agent = network.agent('alice@127.0.0.1')
    const [endpoint] = network.endpoints
    assert.ok(endpoint)
    await settled()
    assert.deepEqual(agent.published, [{ host: '203.0.113.77', port: 40_000 }])
    await commands.dial({ accountId: 'a1', target: '1002' })
    assert.match(agent.invite0.init.body?.content ?? '', /^c=IN IP4 203\.0\.113\.77\r$/m)
    const registers = agent.sent.length
    endpoint.mapped = { host: '203.0.113.78', port: 40_000 }
    clock.advance(180_000)
    await settled()
    assert.equal(agent.published.at(-1)?.host, '203.0.113.78')
    assert.ok(agent.sent.length > registers)
    await commands.dial({ accountId: 'a1', target: '1003' })
    assert.match(agent.invites.at(-1)?.init.body?.content ?? '', /^c=IN IP4 203\.0\.113\.78\r$/m)
    await commands.shutdown(null)
    assert.equal(clock.pending, 0)
  })

  it('sends requests through the proxy, and registers at the registrar', async () => {
    const { commands, network } = makeEngine()
    const proxy = { id: 'p', name: '', hops: ['192.0.2.5:5062;lr', 'sip:b.example;lr, <c.example>'] }
    await commands.setAccount(account({ proxy, registrar: 'pbx.example.com', register: true }))
    const route = ['<sip:192.0.2.5:5062;lr>', '<sip:b.example;lr>', '<sip:c.example;lr>']
    assert.deepEqual(network.agent('alice@127.0.0.1').init.routeSet, route)
  })

  it('follows the machine’s address when registrations fail', async () => {
    const { commands, network, clock } = makeEngine()
    const anywhere = transport({ bindAddress: '', ports: { udp: 0 } })
    await commands.setAccount(account({ register: true, transport: anywhere }))
    await settled()
    network.agent('alice@127.0.0.1').registrar = 503
    network.localAddress = '192.0.2.77'
    clock.advance(600_000)
    await settled()
    assert.deepEqual(
      network.live.map(({ local }) => local.host),
      ['192.0.2.77'],
    )
    assert.equal((await commands.registration({ accountId: 'a1' })).state, 'registered')
  })

  it('moves within 10 s when its address is gone; calls that were not answered end', async () => {
    const { commands, network, clock, calls } = makeEngine()
    network.localAddress = '192.0.2.1'
    network.addresses = ['127.0.0.1', '192.0.2.1']
    await commands.setAccount(account({ register: true, transport: transport({ bindAddress: '', ports: { udp: 0 } }) }))
    await settled()
    await commands.dial({ accountId: 'a1', target: '1' })
    network.agent('alice@127.0.0.1').invite0.answersCancel = true

    // No network at all for a while: the account does not fall back to loopback, and calls may continue afterwards.
    network.localAddress = '127.0.0.1'
    network.addresses = ['127.0.0.1']
    clock.advance(4_000)
    await settled()
    assert.equal(network.live.at(-1)?.local.host, '192.0.2.1')
    assert.equal(calls.at(-1)?.type, 'call.trying')

    network.localAddress = '192.0.2.77'
    network.addresses = ['127.0.0.1', '192.0.2.77']
    clock.advance(4_000)
    await settled()
    clock.advance(6_000)
    await settled()
    const { state, contact } = (await commands.registration({ accountId: 'a1' })) as { state: string; contact?: string }
    assert.equal(state, 'registered')
    assert.match(contact ?? '', /@192\.0\.2\.77:/)
    const ended = calls.find((event) => event.type === 'call.ended')
    const { by, cause, reason } = ended?.call.end ?? {}
    assert.deepEqual(
      [by, cause, reason],
      ['error', 'failed', 'the local address of the call is gone: the call was not yet answered'],
    )
  })

  it('registers again at once when a network comes back, but does not pester a registrar that refuses', async () => {
    for (const [status, again] of [
      [408, 1],
      [403, 0],
    ] as const) {
      const { commands, network, clock } = makeEngine()
      await commands.setAccount(account({ register: true }))
      await settled()
      const agent = network.agent('alice@127.0.0.1')
      agent.registrar = status
      await commands.register({ accountId: 'a1' })
      clock.advance(600_000)
      await settled()
      clock.advance(60_000)
      await settled()
      const before = agent.sent.length
      network.addresses = [...network.addresses, '192.0.2.99']
      clock.advance(2_000)
      await settled()
      assert.equal(agent.sent.length - before, again, `${status}`)
      await commands.shutdown(null)
    }
  })

  it('refreshes registrations when the machine has slept; a clock set back or by a little does nothing', async () => {
    const { commands, network, clock } = makeEngine()
    await commands.setAccount(account({ register: true }))
    await settled()
    const agent = network.agent('alice@127.0.0.1')
    for (const byMs of [-86_400_000, 5_000]) {
      clock.setWall(byMs)
      clock.advance(60_000)
      await settled()
    }
    assert.equal(agent.sent.length, 1)
    clock.setWall(3_600_000)
    clock.advance(2_000)
    await settled()
    assert.equal(agent.sent.length, 2)
  })

  it('keeps the way from its registrar open every 25 s, from the first answer to the last', async () => {
    const { commands, network, clock, engine } = makeEngine()
    await commands.setAccount(account({ register: true, expiresSec: 86_400 }))
    const agent = network.agent('alice@127.0.0.1')
    await settled()
    clock.advance(24_999)
    assert.equal(agent.keptAlive.length, 0)
    clock.advance(1)
    clock.advance(50_000)
    assert.deepEqual(agent.keptAlive, Array(3).fill({ protocol: 'udp', host: '192.0.2.9', port: 5060 }))
    agent.registrar = 503 // its NAT binding may be the one thing that still works
    await commands.register({ accountId: 'a1' })
    await settled()
    clock.advance(1)
    clock.advance(25_000)
    assert.equal(agent.keptAlive.length, 4)
    agent.registrar = 200
    await commands.unregister({ accountId: 'a1' })
    clock.advance(600_000)
    assert.equal(agent.keptAlive.length, 4)
    await engine.shutdown()
    assert.equal(clock.pending, 0)
  })

  it('moves at once when its address is gone and there is another; stays, and asks, where there is none', async () => {
    const { commands, network, clock, engine } = makeEngine()
    const anywhere = transport({ bindAddress: '', ports: { udp: 0 } })
    const hosts = () => network.live.map(({ local }) => local.host)
    const have = async (...addresses: string[]) => {
      network.addresses = addresses
      network.localAddress = addresses[0] ?? '127.0.0.1'
      clock.advance(4_000)
      await settled()
    }
    const state = () => commands.registration({ accountId: 'a1' })
    network.localAddress = '192.0.2.1'
    network.addresses = ['192.0.2.1']
    await commands.setAccount(account({ register: true, transport: anywhere }))
    await settled()
    const registers = () => network.agent('alice@127.0.0.1').sent.length
    const before = registers()
    await have('192.0.2.1', '203.0.113.5')
    assert.deepEqual([hosts(), registers()], [['192.0.2.1'], before], 'an address more says nothing')

    await have('192.0.2.77')
    assert.deepEqual(hosts(), ['192.0.2.77'])
    assert.equal(state().state, 'registered')

    network.agent('alice@127.0.0.1').registrar = 503
    await have()
    assert.deepEqual([hosts(), state().state], [['192.0.2.77'], 'failed'])
    network.agent('alice@127.0.0.1').registrar = 200
    await have('192.0.2.77')
    assert.deepEqual([hosts(), state().state], [['192.0.2.77'], 'registered'])

    network.agent('alice@127.0.0.1').registrar = 403
    await commands.register({ accountId: 'a1' })
    clock.advance(2_000)
    await settled()
    await commands.register({ accountId: 'a1' })
    await settled()
    const refused = registers()
    await have('192.0.2.77', '203.0.113.5')
    assert.equal(registers(), refused, 'a refusal has nothing to do with the network')
    await engine.shutdown()
    assert.equal(clock.pending, 0)
  })

  it('stays where it is told to be when registrations fail', async () => {
    const { commands, network, clock } = makeEngine()
    await commands.setAccount(account({ register: true }))
    await settled()
    const agent = network.agent('alice@127.0.0.1')
    agent.registrar = 503
    network.localAddress = '192.0.2.77'
    clock.advance(600_000)
    await settled()
    assert.equal((await commands.registration({ accountId: 'a1' })).state, 'failed')
    assert.equal(network.agent('alice@127.0.0.1'), agent)
  })

  it('lists calls as copies, because one message to another thread may carry the list and an event of the same call', async () => {
    const { commands, calls } = makeEngine()
    await commands.setAccount(account())
    await commands.dial({ accountId: 'a1', target: '1002' })
    const [listed] = await commands.calls(null)
    const told = calls.at(-1)?.call
    assert.deepEqual(listed, told)
    assert.ok(listed && told && listed.from !== told.from && listed.tags !== told.tags)
  })

  it('knows calls by id: none, live, ended', async () => {
    const { commands, network, calls } = makeEngine()
    await commands.setAccount(account())
    await assert.rejects(Promise.resolve(commands.ring({ callId: 'x' })), withCode('NO_CALL'))
    await assert.rejects(Promise.resolve(commands.dial({ accountId: 'none', target: '1' })), withCode('NO_ACCOUNT'))
    await assert.rejects(Promise.resolve(commands.dial({ accountId: 'a1', target: 'a b' })), withCode('BAD_TARGET'))
    const { callId } = await commands.dial({ accountId: 'a1', target: '1002', owner: 'n' })
    assert.equal(network.agent('alice@127.0.0.1').invite0.init.target.toString(), 'sip:1002@127.0.0.1')
    assert.equal(commands.calls(null)[0]?.id, callId)
    await assert.rejects(
      Promise.resolve(commands.dial({ accountId: 'a1', target: '1', callId })),
      withCode('BAD_ARGUMENT'),
    )
    await commands.hangup({ callId })
    await commands.hangup({ callId })
    assert.equal(commands.calls(null).length, 0)
    assert.equal(calls.at(-1)?.type, 'call.ended')
    assert.equal(calls.filter((event) => event.type === 'call.ended').length, 1)
    await assert.rejects(Promise.resolve(commands.stopPlay({ callId })), withCode('CALL_ENDED'))
  })

  it('takes a command for a call that is still being placed', async () => {
    const { commands, media, calls } = makeEngine()
    await commands.setAccount(account())
    let open = () => {}
    media.openGate = new Promise((resolve) => {
      open = resolve
    })
    const callId = newId()
    const dialled = commands.dial({ accountId: 'a1', target: '1002', callId })
    const hungUp = commands.hangup({ callId })
    open()
    await dialled
    await hungUp
    assert.deepEqual(
      calls.map(({ type }) => type),
      ['call.trying', 'call.ended'],
    )
  })

  it('places no more calls than the account may have, and forgets those that failed', async () => {
    const { commands, network } = makeEngine()
    await commands.setAccount(account({ maxCalls: 1 }))
    const agent = network.agent('alice@127.0.0.1')
    agent.inviteError = new Error('no')
    await assert.rejects(Promise.resolve(commands.dial({ accountId: 'a1', target: '1' })))
    agent.inviteError = undefined
    const { callId } = await commands.dial({ accountId: 'a1', target: '1' })
    await assert.rejects(Promise.resolve(commands.dial({ accountId: 'a1', target: '2' })), withCode('CALL_LIMIT'))
    await commands.hangup({ callId })
    await commands.dial({ accountId: 'a1', target: '3' })
  })

  it('lets no call ring for ever', async () => {
    const { commands, calls, clock } = makeEngine()
    await commands.setAccount(account({ ringTimeoutMs: 0 }))
    await commands.dial({ accountId: 'a1', target: '1002', ringTimeoutMs: 0 })
    clock.advance(179_999)
    assert.equal(calls.at(-1)?.type, 'call.trying')
    clock.advance(1)
    await settled()
    const ended = calls.at(-1)
    assert.ok(ended?.type === 'call.ended')
    assert.equal(ended.end.cause, 'no-answer')
  })

  it('calls nobody whom the account may not call, and no more in a minute than it may', async () => {
    const { commands, network, clock, calls, media } = makeEngine()
    const settings = { maxCalls: 10, maxCallsPerMinute: 1, blockedTargets: ['0900*'] }
    await commands.setAccount(account(settings))
    const dial = async (target: string) => commands.dial({ accountId: 'a1', target })
    for (const target of ['112', '0900 1', 'sip:0900@x.example', 'tel:112', 'sip:112@x.example']) {
      await assert.rejects(dial(target), withCode('TARGET_BLOCKED'))
    }
    const called = () => network.endpoints.flatMap(({ agents }) => agents.flatMap(({ invites }) => invites))
    const targets = () => called().map(({ init }) => String(init.target))
    assert.deepEqual([targets(), calls, media.opened], [[], [], []], 'no INVITE, no event, no port')
    await dial('1')
    await commands.setAccount(account({ ...settings, displayName: 'deployed' }))
    await assert.rejects(dial('2'), withCode('CALL_RATE'))
    clock.advance(60_000)
    await dial('2')
    await commands.setAccount(account({ maxCalls: 10, allowEmergency: true }))
    await dial('112')
    await commands.setAccount(account({ maxCalls: 10, allowedTargets: ['2*'] }))
    await assert.rejects(dial('3'), withCode('TARGET_BLOCKED'))
    await dial('22')
    assert.deepEqual(
      targets(),
      ['1', '2', '112', '22'].map((user) => `sip:${user}@127.0.0.1`),
    )
    await assert.rejects(
      Promise.resolve(commands.setAccount(account({ allowedTargets: ['a b'] }))),
      withCode('BAD_CONFIG'),
    )
  })

  it('refuses a rule whose status could not refuse a call: a 3xx without a Contact says nothing (RFC 3261 21.3)', async () => {
    const { commands } = makeEngine()
    for (const rejectStatus of [200, 302, 399, 700, 486.5]) {
      const rule = { ...answerRule, mode: 'reject', rejectStatus } as const
      await assert.rejects(async () => commands.setInbound({ accountId: 'a1', rule }), { code: 'BAD_CONFIG' })
    }
  })

  it('answers inbound calls 480 without a rule, with a CDR, and by the rule once there is one', async () => {
    const { commands, network, calls } = makeEngine()
    await commands.setAccount(account())
    const { handlers } = network.agent('alice@127.0.0.1').init
    const first = new FakeIncomingInvite()
    handlers.invite(first)
    await settled()
    assert.deepEqual(
      first.rejects.map(({ status }) => status),
      [480],
    )
    assert.equal(calls.at(-1)?.type, 'call.ended')
    await commands.setInbound({ accountId: 'a1', rule: answerRule })
    const second = new FakeIncomingInvite()
    handlers.invite(second)
    await settled()
    assert.equal(second.accepts.length, 1)
    assert.equal(calls.at(-1)?.owner, 'node-1')
  })

  it('keeps a call alive while its account is replaced, and its socket while its account moves to another port', async () => {
    const { commands, network, calls } = makeEngine()
    await commands.setAccount(account())
    const { callId } = await commands.dial({ accountId: 'a1', target: '1' })
    await commands.setAccount(account({ password: 'another-one' }))
    await commands.setAccount(account({ transport: transport({ ports: { udp: 5070 } }) }))
    assert.equal(commands.calls(null)[0]?.id, callId)
    assert.deepEqual(
      network.live.map(({ local }) => local.port),
      [5060, 5070],
    )
    await commands.hangup({ callId })
    await settled()
    assert.deepEqual(
      network.live.map(({ local }) => local.port),
      [5070],
    )
    assert.equal(calls.at(-1)?.type, 'call.ended')
  })

  it('ends calls whose very port a changed transport needs', async () => {
    const { commands, network, calls } = makeEngine()
    await commands.setAccount(account())
    await commands.dial({ accountId: 'a1', target: '1' })
    await commands.setAccount(account({ transport: transport({ userAgent: 'new' }) }))
    assert.equal(calls.at(-1)?.type, 'call.ended')
    assert.deepEqual(
      network.live.map(({ init }) => init.userAgent),
      ['new'],
    )
  })

  it('removes an account with its calls and its binding', async () => {
    const { commands, network, calls } = makeEngine()
    await commands.setAccount(account({ register: true }))
    const agent = network.agent('alice@127.0.0.1')
    await settled()
    await commands.dial({ accountId: 'a1', target: '1' })
    await commands.removeAccount({ accountId: 'a1' })
    assert.equal(calls.at(-1)?.type, 'call.ended')
    assert.equal(agent.sent.at(-1)?.expires, '0')
    assert.equal(network.live.length, 0)
    await commands.removeAccount({ accountId: 'a1' })
  })

  it('does with orphaned calls what their account says', async () => {
    const { commands, calls } = makeEngine()
    await commands.setAccount(account({ orphanedCalls: 'keep' }))
    const { callId } = await commands.dial({ accountId: 'a1', target: '1' })
    assert.equal(commands.orphan({ callId }), 'keep')
    await settled()
    assert.equal(commands.calls(null).length, 1)
    await commands.setAccount(account({ orphanedCalls: 'hangup' }))
    assert.equal(commands.orphan({ callId }), 'hangup')
    await settled()
    assert.equal(calls.at(-1)?.type, 'call.ended')
  })

  it('shuts down: CANCEL, un-REGISTER, sockets and media closed, nothing taken any more', async () => {
    const { commands, network, media, clock } = makeEngine()
    await commands.setAccount(account({ register: true }))
    const agent = network.agent('alice@127.0.0.1')
    await settled()
    await commands.dial({ accountId: 'a1', target: '1' })
    agent.invite0.answersCancel = true
    const ringing = new FakeIncomingInvite()
    await commands.setInbound({ accountId: 'a1', rule: { ...answerRule, mode: 'flow', decideMs: 10_000 } })
    agent.init.handlers.invite(ringing)
    const down = commands.shutdown(null)
    const late = new FakeIncomingInvite()
    agent.init.handlers.invite(late)
    await down
    assert.equal(agent.invite0.cancels, 1)
    assert.equal(agent.sent.at(-1)?.expires, '0')
    assert.equal(network.live.length, 0)
    assert.equal(media.openSessions, 0)
    assert.equal(clock.pending, 0)
    assert.equal(ringing.rejects[0]?.status, 480)
    assert.deepEqual(
      late.rejects.map(({ status, headers }) => [status, headers]),
      [[503, [['Retry-After', '10']]]],
    )
    await assert.rejects(Promise.resolve(commands.dial({ accountId: 'a1', target: '1' })), withCode('CLOSED'))
    await assert.rejects(Promise.resolve(commands.setAccount(account())), withCode('CLOSED'))
    await commands.shutdown(null)
  })

  it('leaves nothing open when it is shut down while an account is being set', async () => {
    const { commands, network, clock } = makeEngine()
    let open = () => {}
    network.gate = new Promise((resolve) => {
      open = resolve
    })
    const setting = assert.rejects(
      Promise.resolve(commands.setAccount(account({ register: true }))),
      withCode('CLOSED'),
    )
    await settled()
    const down = commands.shutdown(null)
    await settled()
    open()
    await Promise.all([setting, down])
    await settled()
    assert.equal(network.live.length, 0)
    assert.equal(clock.pending, 0)
  })

  it('removes an account within 3 s when its registrar does not answer', async () => {
    const { commands, network, clock } = makeEngine()
    await commands.setAccount(account({ register: true }))
    await settled()
    network.agent('alice@127.0.0.1').registrar = undefined
    let removed = false
    void commands.removeAccount({ accountId: 'a1' }).then(() => {
      removed = true
    })
    await settled()
    clock.advance(2_999)
    await settled()
    assert.equal(removed, false)
    clock.advance(1)
    await settled()
    assert.equal(removed, true)
    assert.equal(network.live.length, 0)
  })

  it('registers at a URI without a user part (RFC 3261 10.2): FRITZ!Box drops others without a word', async () => {
    const { commands, network } = makeEngine()
    const targetOf = async (changes: Parameters<typeof account>[0]) => {
      await commands.setAccount(account({ register: true, ...changes }))
      return network.agent('alice@127.0.0.1').sent.at(-1)?.target
    }
    assert.equal(await targetOf({}), 'sip:127.0.0.1')
    assert.equal(await targetOf({ registrar: 'sip:pbx.example.com:5080' }), 'sip:pbx.example.com:5080')
    assert.equal(await targetOf({ registrar: 'sip:alice@pbx.example.com' }), 'sip:pbx.example.com')
  })

  it('takes calls from where its registrations were answered, whatever its name resolves to', async () => {
    const { commands, network } = makeEngine(async () => [])
    await commands.setAccount(account({ inboundFrom: 'known', strangers: '403', aor: 'alice@pbx' }))
    const known = () => network.agent('alice@pbx').sources?.known
    await settled()
    assert.deepEqual(known(), [])
    await commands.register({ accountId: 'a1' })
    await settled()
    assert.deepEqual(known(), ['192.0.2.9'])
  })

  it('signs in as the account’s sign-in user, which may differ from its address (3CX), else as that', async () => {
    const { commands, network } = makeEngine()
    await commands.setAccount(account({ authUser: 'abc123', password: 'p' }))
    await commands.setAccount(account({ id: 'a2', aor: 'bob@127.0.0.1', password: 'p' }))
    const challenge = { status: 401, realm: 'r', nonce: 'n', algorithm: 'MD5', qop: ['auth'], stale: false } as const
    const request = { method: 'REGISTER', uri: uriOf('sip:127.0.0.1'), callId: 'c', body: '', attempt: 1 }
    const nameOf = (aor: string) =>
      /username="([^"]*)"/.exec(
        network.agent(aor).init.authenticator.answer([{ ...challenge, qop: ['auth'] }], request)?.[0]?.[1] ?? '',
      )?.[1]
    assert.deepEqual([nameOf('alice@127.0.0.1'), nameOf('bob@127.0.0.1')], ['abc123', 'bob'])
  })

  it('shuts down within 3 s when nobody answers', async () => {
    const { commands, network, clock } = makeEngine()
    await commands.setAccount(account({ register: true }))
    const agent = network.agent('alice@127.0.0.1')
    await settled()
    agent.registrar = undefined
    let down = false
    void Promise.resolve(commands.shutdown(null)).then(() => {
      down = true
    })
    await settled()
    clock.advance(2_999)
    await settled()
    assert.equal(down, false)
    clock.advance(1)
    await settled()
    assert.equal(down, true)
    assert.equal(network.live.length, 0)
    assert.equal(clock.pending, 0)
  })

  it('survives listeners that throw, and tells nobody the password', async () => {
    const { commands, engine, lines, calls } = makeEngine()
    engine.on('call', () => {
      throw new Error('in a flow: canary-password')
    })
    await commands.setAccount(account())
    const { callId } = await commands.dial({ accountId: 'a1', target: '1' })
    await commands.hangup({ callId })
    assert.equal(calls.at(-1)?.type, 'call.ended')
    assert.ok(lines.some((line) => line.includes('a listener of an engine event threw')))
    assert.doesNotMatch(lines.join('\n') + JSON.stringify(calls), /canary-password/)
  })
})
