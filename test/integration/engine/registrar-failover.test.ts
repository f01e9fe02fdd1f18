/** An account whose registrar has two servers (RFC 3263): the names come from a real DNS server. */
import assert from 'node:assert/strict'
import type { AccountConfig } from '../../../src/engine/protocol.js'
import { AssembledEngine, NoSound } from '../../support/assembled-engine.js'
import { DnsServer } from '../../support/dns-server.js'
import { engineInit, loopbackAccount } from '../../support/engine-pair.js'
import { fastClock } from '../../support/fast-clock.js'
import { RawPeer } from '../../support/raw-peer.js'
import { within } from '../../support/wait.js'

describe('a registrar with two servers', () => {
  let dns: DnsServer
  let first: RawPeer
  let second: RawPeer
  let engine: AssembledEngine
  const clock = fastClock(20)

  beforeEach(async () => {
    ;[dns, first, second] = await Promise.all([DnsServer.start(), RawPeer.open(), RawPeer.open()])
    dns
      .a('a.example.com', '127.0.0.1')
      .a('b.example.com', '127.0.0.1')
      .srv('_sip._udp.example.com', 'a.example.com', first.port, { priority: 1 })
      .srv('_sip._udp.example.com', 'b.example.com', second.port, { priority: 2 })
    engine = new AssembledEngine(engineInit({ dnsServers: [dns.address] }), { clock, media: new NoSound() })
  })
  afterEach(async () => {
    await engine.close()
    await Promise.all([dns.close(), first.close(), second.close()])
  })

  const registered = (): Promise<void> =>
    new Promise((resolve) => {
      engine.on('registration', ({ registration }) => {
        if (registration.state === 'registered') resolve()
      })
    })
  const account = (init: Partial<AccountConfig> = {}) =>
    loopbackAccount('alice', { aor: 'alice@example.com', register: true, ...init })
  const accept = async (registrar: RawPeer) => {
    const request = await registrar.requests.next()
    const contact = /<([^>]+)>/.exec(request.message.header('contact') ?? '')?.[1] ?? ''
    registrar.answer(request, 200, { contact: false, headers: [`Contact: <${contact}>;expires=600`] })
    return request
  }

  it('of which the first is silent: the account registers with the second within 35 s', async () => {
    const done = registered()
    const startMs = clock.now()
    await engine.call('setAccount', account())
    const { message } = await accept(second)
    assert.deepEqual([message.method, message.uri.text], ['REGISTER', 'sip:example.com'])
    await within(done, 'the registration')
    assert.ok(first.texts.length > 0)
    assert.ok(clock.now() - startMs < 35_000)
    void accept(second) // the REGISTER that ends the binding
  })

  it('binds to the address that leads to them, also if the domain itself has no address', async () => {
    const { transport } = account()
    void accept(first)
    const { local } = await engine.call('setAccount', account({ transport: { ...transport, bindAddress: '' } }))
    assert.equal(local.host, '127.0.0.1')
    void accept(first)
  })
})
