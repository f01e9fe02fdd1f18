import assert from 'node:assert/strict'
import type { RegistrationState } from '../../../src/engine/protocol.js'
import { account, makeEngine, settled, transport, withCode } from './engine-fixture.js'

describe('an account whose socket cannot be opened', () => {
  const start = async (init: Parameters<typeof account>[0] = {}) => {
    const it = makeEngine()
    const states: RegistrationState[] = []
    it.engine.on('registration', ({ registration }) => states.push(registration))
    const rival = await it.network.open({
      host: '127.0.0.1',
      listeners: [{ protocol: 'udp', port: 5060 }],
      userAgent: 'other',
    })
    await assert.rejects(Promise.resolve(it.commands.setAccount(account(init))), withCode('TRANSPORT'))
    return { ...it, states, rival }
  }

  it('says so, with the time of the next attempt', async () => {
    const { states, commands } = await start()
    const [state] = states
    assert.ok(state?.state === 'failed')
    assert.equal(state.status, 0)
    assert.match(state.reason, /in use/)
    assert.ok(state.retryAt)
    await assert.rejects(
      Promise.resolve(commands.dial({ accountId: 'a1', target: '1' })),
      (error: Error) => withCode('TRANSPORT')(error) && /in use/.test(error.message),
    )
  })

  it('is tried again, less and less often, and comes up when the port is free', async () => {
    const { states, clock, rival, network, commands } = await start()
    const failures: number[] = []
    for (let second = 0; second < 600; second++) {
      clock.advance(1_000)
      await settled()
      if (states.length > failures.length + 1) failures.push(second)
    }
    console.log(`      socket taken for 10 min: ${failures.length} attempts (≤ 25)`)
    assert.ok(failures.length >= 10 && failures.length <= 25, String(failures.length))
    await rival.close()
    clock.advance(60_000)
    await settled()
    assert.deepEqual(states.at(-1), { state: 'idle' })
    assert.equal(network.live.length, 1)
    await commands.dial({ accountId: 'a1', target: '1' })
  })

  it('registers then, if it should', async () => {
    const { states, clock, rival } = await start({ register: true })
    await rival.close()
    clock.advance(2_000)
    await settled()
    assert.deepEqual(
      states.map(({ state }) => state),
      ['failed', 'registering', 'registered'],
    )
  })

  it('is not tried any more once it is removed, set anew, or the engine stops', async () => {
    const removed = await start()
    await removed.commands.removeAccount({ accountId: 'a1' })
    assert.equal(removed.clock.pending, 0)
    const changed = await start()
    await changed.commands.setAccount(account({ transport: transport({ ports: { udp: 5070 } }) }))
    await changed.rival.close()
    changed.clock.advance(60_000)
    await settled()
    assert.equal(changed.network.live.length, 1)
    const stopped = await start()
    await stopped.engine.shutdown()
    assert.equal(stopped.clock.pending, 0)
  })
})

describe('an account whose peer has IPv4 and IPv6', () => {
  const anywhere = { transport: transport({ bindAddress: '', ports: { udp: 0 } }) }

  it('goes to the other family when nobody answers, and back, without swinging', async () => {
    const { commands, network, clock, asked } = makeEngine()
    network.localAddress = '192.0.2.1'
    await commands.setAccount(account({ ...anywhere, register: true }))
    await settled()
    network.agent('alice@127.0.0.1').registrar = 408
    network.localAddress = '2001:db8::1'
    clock.advance(600_000)
    await settled()
    assert.equal(network.live[0]?.local.host, '2001:db8::1')
    assert.deepEqual(asked.at(-1), {
      host: '127.0.0.1',
      port: 5060,
      protocol: 'udp',
      ipVersion: 'prefer-4',
      avoid: '192.0.2.1',
    })
    // It fails there as well, and at once: half a minute is waited before it moves again.
    network.localAddress = '192.0.2.1'
    network.agent('alice@127.0.0.1').registrar = 503
    clock.advance(2_000)
    await commands.register({ accountId: 'a1' })
    await settled()
    assert.equal((await commands.registration({ accountId: 'a1' })).state, 'failed')
    clock.advance(27_000)
    await settled()
    assert.equal(network.live[0]?.local.host, '2001:db8::1')
    clock.advance(60_000)
    await settled()
    assert.equal(network.live[0]?.local.host, '192.0.2.1')
    await commands.removeAccount({ accountId: 'a1' })
  })

  it('does not move for a call that failed while it is registered', async () => {
    const { commands, network, asked } = makeEngine()
    await commands.setAccount(account({ ...anywhere, register: true }))
    await settled()
    const fail = async () => {
      await commands.dial({ accountId: 'a1', target: 'sip:nobody@192.0.2.9' })
      network.agent('alice@127.0.0.1').invites.at(-1)?.handlers.failed({ status: 408, reason: '', local: true })
      await settled()
    }
    const before = asked.length
    await fail()
    assert.equal(asked.length, before)
    await commands.unregister({ accountId: 'a1' })
    await fail()
    assert.equal(asked.length, before + 1)
    await commands.removeAccount({ accountId: 'a1' })
  })

  it('may have UDP and TCP of one port in two transports', async () => {
    const { commands, network } = makeEngine()
    await commands.setAccount(account())
    const tcp = transport({ id: 't2', ports: { tcp: 5060 } })
    await commands.setAccount(account({ id: 'a2', aor: 'bob@127.0.0.1', transport: tcp }))
    assert.deepEqual(
      network.live.map(({ local }) => [local.protocol, local.port]),
      [
        ['udp', 5060],
        ['tcp', 5060],
      ],
    )
  })

  const wrong: [name: string, config: Parameters<typeof account>[0]][] = [
    ['UDP over a transport without', { protocol: 'udp', transport: transport({ ports: { tcp: 5060 } }) }],
    ['an account without a protocol over a transport without ports', { transport: transport({ ports: {} }) }],
    ['a protocol that nobody has', { registrar: 'pbx.example.com;transport=sctp' }],
    ['an IPv4 address where only IPv6 may be', { transport: transport({ ipVersion: '6' }) }],
    ['no address', { transport: transport({ bindAddress: 'here' }) }],
    ['the IPv6 wildcard without public address', { transport: transport({ bindAddress: '::' }) }],
  ]
  for (const [name, config] of wrong) {
    it(`refuses ${name}`, () =>
      assert.rejects(Promise.resolve(makeEngine().commands.setAccount(account(config))), withCode('BAD_CONFIG')))
  }

  it('is spoken to as its registrar or proxy is named', async () => {
    const { commands, network } = makeEngine()
    const tcp = transport({ ports: { udp: 5060, tcp: 5060 } })
    const proxy = { id: 'p', name: '', hops: ['sip:[2001:db8::5];transport=tcp;lr'] }
    await commands.setAccount(account({ transport: tcp, proxy }))
    assert.equal(network.agent('alice@127.0.0.1').init.protocol, 'tcp')
    await commands.setAccount(account({ transport: tcp, proxy, protocol: 'udp' }))
    assert.equal(network.agent('alice@127.0.0.1').init.protocol, 'udp')
    await commands.setAccount(account({ transport: tcp }))
    assert.equal(network.agent('alice@127.0.0.1').init.protocol, undefined)
  })
})
