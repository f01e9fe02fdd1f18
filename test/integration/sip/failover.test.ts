/** Requests to a domain whose servers fail, with a real DNS server and real sockets (RFC 3263 4.3). */
import assert from 'node:assert/strict'
import { type Clock, systemClock } from '../../../src/base/clock.js'
import { type NameService, openNames } from '../../../src/sip/dns/open-names.js'
import { DnsServer } from '../../support/dns-server.js'
import { fastClock } from '../../support/fast-clock.js'
import { RawPeer } from '../../support/raw-peer.js'
import { Party } from '../../support/sip-parties.js'
import { freeUdpPorts } from '../../support/udp-ports.js'

describe('servers of a domain', () => {
  let dns: DnsServer
  let first: RawPeer
  let second: RawPeer
  let alice: Party
  let names: NameService
  let cseq = 0

  beforeEach(async () => {
    ;[dns, first, second] = await Promise.all([DnsServer.start(), RawPeer.open(), RawPeer.open()])
    dns.a('a.example.com', '127.0.0.1', 5).a('b.example.com', '127.0.0.1', 5)
  })
  afterEach(async () => {
    await Promise.all([dns.close(), first.close(), second.close(), alice.close()])
    names.close()
  })

  async function open(clock: Clock, protocol = 'udp'): Promise<void> {
    names = openNames({ servers: [dns.address] }, clock)
    alice = await Party.open('alice', { clock, protocol, names: names.ours })
  }
  /** Sends OPTIONS; `answerer` answers it. Returns the status. */
  async function ask(answerer: RawPeer, target = 'sip:example.com'): Promise<number> {
    const sipCallId = `o${++cseq}@test`
    const sent = alice.agent.request({ method: 'OPTIONS', target, sipCallId, cseq })
    let request = await answerer.requests.next()
    // Earlier requests may have been sent more than once.
    while (request.message.callId !== sipCallId) request = await answerer.requests.next()
    answerer.answer(request, 200)
    return (await sent).response.status
  }

  it('that refuse a connection are passed over at once', async () => {
    const [closed = 0] = await freeUdpPorts(1)
    dns
      .naptr('example.com', 'SIP+D2T', '_sip._tcp.example.com', 1)
      .naptr('example.com', 'SIP+D2U', '_sip._udp.example.com', 2)
      .srv('_sip._tcp.example.com', 'a.example.com', closed)
      .srv('_sip._udp.example.com', 'b.example.com', second.port)
    await open(systemClock, 'udp+tcp')
    assert.equal(await ask(second), 200)
    const [request = ''] = second.texts
    assert.match(request, /^OPTIONS sip:example\.com SIP/, 'the Request-URI keeps the name')
  })

  it('that are silent are passed over after a while, and then tried last', async () => {
    dns
      .srv('_sip._udp.example.com', 'a.example.com', first.port, { priority: 1 })
      .srv('_sip._udp.example.com', 'b.example.com', second.port, { priority: 2 })
    await open(fastClock(20))
    assert.equal(await ask(second), 200)
    assert.ok(first.texts.length > 0)
    first.texts.splice(0)
    assert.equal(await ask(second), 200)
    assert.deepEqual(first.texts, [])
  })

  it('whose names DNS says nothing about any more get the requests all the same (RFC 8767)', async () => {
    const clock = fastClock(30)
    await open(clock)
    const target = `sip:a.example.com:${first.port}`
    assert.equal(await ask(first, target), 200)
    dns.isSilent = true
    dns.asked.splice(0)
    const endMs = clock.now() + 60_000
    while (clock.now() < endMs) {
      assert.equal(await ask(first, target), 200)
      await new Promise((resolve) => clock.setTimeout(() => resolve(undefined), 2_000))
    }
    assert.ok(dns.asked.length > 0, 'DNS was asked and did not answer')
  })
})
