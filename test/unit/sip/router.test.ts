import assert from 'node:assert/strict'
import { silentLogger } from '../../../src/base/logger.js'
import { NextHops } from '../../../src/sip/dns/next-hops.js'
import type { OutgoingRequest } from '../../../src/sip/message/outgoing-request.js'
import { parseVia, type Via } from '../../../src/sip/message/via.js'
import { Router } from '../../../src/sip/router.js'
import type { Flow } from '../../../src/sip/transport/flow.js'
import type { SipAddress, SipProtocol } from '../../../src/sip/types.js'
import { FakeClock } from '../../support/fake-clock.js'
import { MemoryTransport } from '../../support/memory-transport.js'
import { namesBy } from '../../support/names-by.js'
import { uriOf } from '../../support/uri.js'

const LARGEST_DATAGRAM = 1_300

/** Transports that write down what is sent, at an address of 192.0.2.0/24. */
class Network {
  readonly clock = new FakeClock()
  readonly sent: string[] = []
  /** Peers that we have asked for a connection. */
  readonly tried: string[] = []
  /** Peers with an open connection, `host:port`. */
  readonly connected = new Set<string>()
  takesConnections = true
  readonly router: Router
  readonly #transports: MemoryTransport[]

  constructor(...protocols: SipProtocol[]) {
    this.#transports = protocols.map((protocol) => this.#transport(protocol))
    this.router = new Router({
      clock: this.clock,
      log: silentLogger,
      nextHops: new NextHops({
        clock: this.clock,
        names: namesBy(async (name) => (name === 'six.example.com' ? '2001:db8::7' : '192.0.2.7')),
      }),
      family: 4,
      transports: this.#transports,
    })
  }

  async way(uri: string, init: { octets?: number; prefer?: SipProtocol } = {}): Promise<string> {
    const request = { nextHop: uriOf(uri), octets: init.octets ?? 500 } as OutgoingRequest
    const [target] = await this.router.targets(request, init.prefer)
    if (!target) throw new Error('no target')
    return textOf((await this.router.flowTo(target, request, init.prefer)).remote)
  }

  async back(via: string, source: SipAddress): Promise<string | undefined> {
    await this.router.flowBack(viaOf(via), this.flow(source)).send('')
    return this.sent.at(-1)
  }

  flow(source: SipAddress): Flow {
    const transport = this.#transports.find(({ protocol }) => protocol === source.protocol)
    return (transport ?? this.#transport(source.protocol)).flow(source)
  }

  #transport(protocol: SipProtocol): MemoryTransport {
    const peerOf = ({ host, port }: SipAddress): string => `${host}:${port}`
    return new MemoryTransport({
      local: { protocol, host: '192.0.2.1', port: 5060 },
      send: (_, to) => void this.sent.push(textOf(to)),
      connect: async (to) => {
        this.tried.push(peerOf(to))
        if (!this.takesConnections) throw new Error('refused')
      },
      isConnected: (to) => protocol === 'udp' || this.connected.has(peerOf(to)),
    })
  }
}

const textOf = ({ protocol, host, port }: SipAddress): string => `${protocol} ${host}:${port}`

function viaOf(text: string): Via {
  const via = parseVia(text)
  if (!via) throw new Error(`${text} is not a Via`)
  return via
}

describe('Router', () => {
  describe('the way back of a response', () => {
    const source = { protocol: 'udp', host: '203.0.113.9', port: 40_000 } as const

    it('by datagrams: to the source, at the port of the Via, at 5060 without one (RFC 3261 18.2.2)', async () => {
      const network = new Network('udp')
      assert.equal(await network.back('SIP/2.0/UDP 10.0.0.1:5070', source), 'udp 203.0.113.9:5070')
      assert.equal(await network.back('SIP/2.0/UDP 10.0.0.1', source), 'udp 203.0.113.9:5060')
    })

    it('to the port that the sender used if it asks for that (RFC 3581 4)', async () => {
      const network = new Network('udp')
      assert.equal(await network.back('SIP/2.0/UDP 10.0.0.1:5070;rport', source), 'udp 203.0.113.9:40000')
    })

    it('by its connection; by a new one, to where the sender listens, if that has ended', async () => {
      const network = new Network('udp', 'tcp')
      const overTcp = { ...source, protocol: 'tcp' } as const
      network.connected.add('203.0.113.9:40000')
      assert.equal(await network.back('SIP/2.0/TCP 10.0.0.1:5070;rport', overTcp), 'tcp 203.0.113.9:40000')
      network.connected.clear()
      assert.equal(await network.back('SIP/2.0/TCP 10.0.0.1:5070;rport', overTcp), 'tcp 203.0.113.9:5070')
      assert.equal(await network.back('SIP/2.0/TCP 10.0.0.1', overTcp), 'tcp 203.0.113.9:5060')
    })
  })

  describe('the protocol of a request', () => {
    it('is that of the URI, in any case; else that of the account; else the first', async () => {
      const network = new Network('udp', 'tcp')
      assert.equal(await network.way('sip:192.0.2.7:5070;transport=TCP', { prefer: 'udp' }), 'tcp 192.0.2.7:5070')
      assert.equal(await network.way('sip:192.0.2.7', { prefer: 'tcp' }), 'tcp 192.0.2.7:5060')
      assert.equal(await network.way('sip:192.0.2.7'), 'udp 192.0.2.7:5060')
      assert.equal(await new Network('tcp', 'udp').way('sip:192.0.2.7'), 'tcp 192.0.2.7:5060')
    })

    for (const host of ['192.0.2.7', 'seven.example.com']) {
      it(`${host}: an open connection is used if neither the URI nor the account says otherwise`, async () => {
        const network = new Network('udp', 'tcp')
        network.connected.add('192.0.2.7:5060')
        assert.equal(await network.way(`sip:${host}`), 'tcp 192.0.2.7:5060')
        assert.equal(await network.way(`sip:${host}`, { prefer: 'udp' }), 'udp 192.0.2.7:5060')
        assert.equal(await network.way(`sip:${host};transport=udp`), 'udp 192.0.2.7:5060')
        assert.equal(await network.way(`sip:${host}:5070`), 'udp 192.0.2.7:5070')
      })
    }
  })

  describe('a request that is larger than a datagram should be (RFC 3261 18.1.1)', () => {
    const large = { octets: LARGEST_DATAGRAM + 1 }

    it('goes by TCP, whatever the URI says; one of exactly 1300 octets does not', async () => {
      const network = new Network('udp', 'tcp')
      assert.equal(await network.way('sip:192.0.2.7', { octets: LARGEST_DATAGRAM }), 'udp 192.0.2.7:5060')
      assert.equal(await network.way('sip:192.0.2.7;transport=udp', large), 'tcp 192.0.2.7:5060')
      network.connected.add('192.0.2.7:5060')
      assert.equal(await network.way('sip:192.0.2.7', { ...large, prefer: 'udp' }), 'tcp 192.0.2.7:5060')
      assert.equal(network.tried.length, 1, 'an open connection is not opened again')
    })

    it('goes by UDP where the peer refuses TCP, which is tried again after 10 minutes', async () => {
      const network = new Network('udp', 'tcp')
      network.takesConnections = false
      for (let times = 0; times < 3; times++)
        assert.equal(await network.way('sip:192.0.2.7', large), 'udp 192.0.2.7:5060')
      assert.equal(network.tried.length, 1)
      assert.equal(await network.way('sip:192.0.2.8', large), 'udp 192.0.2.8:5060')
      assert.equal(network.tried.length, 2, 'another peer may take it')
      network.clock.advance(599_999)
      await network.way('sip:192.0.2.7', large)
      assert.equal(network.tried.length, 2)
      network.clock.advance(1)
      network.takesConnections = true
      assert.equal(await network.way('sip:192.0.2.7', large), 'tcp 192.0.2.7:5060')
    })

    it('remembers at most 1000 peers that refuse TCP', async () => {
      const network = new Network('udp', 'tcp')
      network.takesConnections = false
      for (let port = 1; port <= 1_001; port++) await network.way(`sip:192.0.2.7:${port}`, large)
      await network.way('sip:192.0.2.7:1', large)
      assert.deepEqual([network.tried.length, network.tried.at(-1)], [1_002, '192.0.2.7:1'])
      await network.way('sip:192.0.2.7:1001', large)
      assert.equal(network.tried.length, 1_002, 'the last ones are known')
    })

    it('goes by UDP if there is nothing else', async () => {
      assert.equal(await new Network('udp').way('sip:192.0.2.7', large), 'udp 192.0.2.7:5060')
    })
  })

  it('sends nothing to an address of the other family, or of no single machine, to which a name leads', async () => {
    const network = new Network('udp')
    await assert.rejects(network.way('sip:six.example.com'), {
      code: 'TRANSPORT',
      message: '2001:db8::7: this transport speaks IPv4 only',
    })
    const all = { protocol: 'udp', host: '255.255.255.255', port: 1 } as const
    assert.throws(() => network.router.flowTo(all, { octets: 1 } as OutgoingRequest), { code: 'TRANSPORT' })
    assert.deepEqual(network.sent, [])
  })

  it('refuses a protocol that the endpoint does not speak', () => {
    const to = { protocol: 'tcp', host: '192.0.2.7', port: 1 } as const
    assert.throws(() => new Network('udp').router.flowTo(to, { octets: 1 } as OutgoingRequest), {
      code: 'TRANSPORT',
      message: 'this transport does not speak tcp',
    })
  })
})
