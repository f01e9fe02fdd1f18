import assert from 'node:assert/strict'
import { TRUNCATED_RESPONSE } from 'dns-packet'
import { systemClock } from '../../../src/base/clock.js'
import { NextHops } from '../../../src/sip/dns/next-hops.js'
import { openNames } from '../../../src/sip/dns/open-names.js'
import type { Names } from '../../../src/sip/dns/records.js'
import { parseUri } from '../../../src/sip/uri/sip-uri.js'
import { DnsServer } from '../../support/dns-server.js'
import { fastClock } from '../../support/fast-clock.js'
import { freeUdpPorts } from '../../support/udp-ports.js'

describe('names by a real DNS server', () => {
  let dns: DnsServer
  let names: Names

  beforeEach(async () => {
    dns = await DnsServer.start()
    names = openNames({ servers: [dns.address] }).ours
  })
  afterEach(() => dns.close())

  it('have addresses of both families; the answer is kept', async () => {
    dns
      .a('pbx.example.com', '192.0.2.1')
      .a('pbx.example.com', '2001:db8::1')
      .alias('sip.example.com', 'pbx.example.com')
    assert.deepEqual(await names.lookup('sip.example.com'), ['192.0.2.1', '2001:db8::1'])
    assert.deepEqual(await names.lookup('SIP.example.com.'), ['192.0.2.1', '2001:db8::1'])
    assert.deepEqual(dns.asked, ['udp A sip.example.com', 'udp AAAA sip.example.com'])
  })

  it('that do not exist are an error for callers that need an address', async () => {
    assert.deepEqual(await names.addresses('gone.example.com', 4), [])
    await assert.rejects(names.lookup('gone.example.com'), { code: 'TRANSPORT', message: /gone.example.com cannot be/ })
  })

  it('lead to the servers of a domain, the best first (RFC 3263)', async () => {
    dns
      .naptr('example.com', 'SIP+D2T', '_sip._tcp.example.com', 1)
      .naptr('example.com', 'SIP+D2U', '_sip._udp.example.com', 2)
      .srv('_sip._tcp.example.com', 'a.example.com', 5070, { priority: 10 })
      .srv('_sip._tcp.example.com', 'b.example.com', 5060, { priority: 20 })
      .srv('_sip._udp.example.com', 'b.example.com', 5060)
      .a('a.example.com', '192.0.2.1')
      .a('b.example.com', '192.0.2.2')
    const hops = new NextHops({ clock: systemClock, names })
    const uri = parseUri('sip:alice@example.com')
    assert.ok(uri)
    const targets = await hops.targets(uri, { protocols: ['udp', 'tcp'], family: 4 })
    assert.deepEqual(
      targets.map(({ protocol, host, port, name }) => `${protocol} ${host}:${port} ${name}`),
      ['tcp 192.0.2.1:5070 example.com', 'tcp 192.0.2.2:5060 example.com', 'udp 192.0.2.2:5060 example.com'],
    )
  })

  it('are asked for by TCP if the answer is too large for UDP', async () => {
    dns.isTruncating = true
    for (let n = 1; n <= 200; n++) dns.a('pbx.example.com', `192.0.2.${n}`)
    assert.equal((await names.addresses('pbx.example.com', 4)).length, 200)
    assert.deepEqual(dns.asked, ['udp A pbx.example.com', 'tcp A pbx.example.com'])
  })

  it('are asked for without EDNS if the server does not know it', async () => {
    dns.knowsEdns = false
    dns.a('pbx.example.com', '192.0.2.1')
    assert.deepEqual(await names.addresses('pbx.example.com', 4), ['192.0.2.1'])
    assert.equal(dns.asked.length, 2)
  })

  it('of a server that is not there: the next server answers at once; without one, the error names the server', async () => {
    dns.a('pbx.example.com', '192.0.2.1')
    const [port] = await freeUdpPorts(1)
    const closed = `127.0.0.1:${port}`
    assert.deepEqual(await openNames({ servers: [closed, dns.address] }).ours.lookup('pbx.example.com'), ['192.0.2.1'])
    await assert.rejects(openNames({ servers: [closed] }).ours.lookup('pbx.example.com'), {
      code: 'TRANSPORT',
      message: `the name pbx.example.com cannot be resolved: the DNS server ${closed} reports ECONNREFUSED`,
    })
  })

  it('of a server that is silent: the next server answers', async () => {
    const silent = await DnsServer.start()
    silent.isSilent = true
    dns.a('pbx.example.com', '192.0.2.1')
    const fast = openNames({ servers: [silent.address, dns.address] }, fastClock(20))
    assert.deepEqual(await fast.ours.addresses('pbx.example.com', 4), ['192.0.2.1'])
    assert.deepEqual([silent.asked.length, dns.asked.length], [1, 1])
    await silent.close()
  })

  it('take no answer with a guessed id', async () => {
    dns.a('pbx.example.com', '192.0.2.66')
    dns.forge = (reply) => ({ ...reply, id: ((reply.id ?? 0) + 1) % 0x10000, flags: TRUNCATED_RESPONSE })
    const fast = openNames({ servers: [dns.address] }, fastClock(20))
    await assert.rejects(fast.ours.addresses('pbx.example.com', 4), /does not answer/)
    assert.deepEqual(dns.asked, Array(3).fill('udp A pbx.example.com'))
  })

  it('that peers write into SDP wait for each other, and not our names for them', async () => {
    const service = openNames({ servers: [dns.address] })
    dns.isSilent = true
    const flood = Array.from({ length: 102 }, (_, n) => service.ofPeers.addresses(`${n}.example.net`, 4))
    for (const one of flood) one.catch(() => undefined)
    await assert.rejects(service.ofPeers.addresses('one.too.many', 4), /more than 100 names wait/)
    dns.isSilent = false
    dns.a('pbx.example.com', '192.0.2.1')
    assert.deepEqual(await service.ours.addresses('pbx.example.com', 4), ['192.0.2.1'])
    assert.ok(dns.asked.length <= 3)
  })

  it('without a dot, and those in the hosts file, are left to the system', async () => {
    assert.ok((await names.lookup('localhost')).includes('127.0.0.1'))
    assert.deepEqual(dns.asked, [])
  })
})
