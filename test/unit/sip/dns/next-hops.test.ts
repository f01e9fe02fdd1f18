import assert from 'node:assert/strict'
import { type NextHopRules, NextHops } from '../../../../src/sip/dns/next-hops.js'
import type { SipProtocol, Target } from '../../../../src/sip/types.js'
import { parseUri } from '../../../../src/sip/uri/sip-uri.js'
import { FakeClock } from '../../../support/fake-clock.js'
import { FakeNames, naptr, srv } from './fake-names.js'

const ALL: readonly SipProtocol[] = ['udp', 'tcp', 'tls', 'ws', 'wss']

describe('next hops of a URI', () => {
  let names: FakeNames
  let clock: FakeClock
  let hops: NextHops

  beforeEach(() => {
    names = new FakeNames()
    clock = new FakeClock()
    // Always the first record that may be chosen.
    hops = new NextHops({ clock, names, random: () => 0 })
  })

  const targets = (uri: string, rules: Partial<NextHopRules> = {}): readonly Target[] | Promise<readonly Target[]> => {
    const parsed = parseUri(uri)
    assert.ok(parsed, uri)
    return hops.targets(parsed, { protocols: ['udp', 'tcp'], family: 4, ...rules })
  }
  /** `udp 192.0.2.1:5060 (example.com)` */
  const found = async (uri: string, rules: Partial<NextHopRules> = {}): Promise<string[]> =>
    (await targets(uri, rules)).map(textOf)
  const textOf = ({ protocol, host, port, name }: Target) =>
    `${protocol} ${host.includes(':') ? `[${host}]` : host}:${port}${name === undefined ? '' : ` (${name})`}`

  describe('with an address (RFC 3263 4.1, 4.2)', () => {
    for (const [uri, rules, expected] of [
      ['sip:192.0.2.1', {}, 'udp 192.0.2.1:5060'],
      ['sip:192.0.2.1', { prefer: 'tcp' }, 'tcp 192.0.2.1:5060'],
      ['sip:192.0.2.1', { protocols: ['tcp', 'udp'] }, 'tcp 192.0.2.1:5060'],
      ['sip:alice@192.0.2.1:5070;transport=TCP', {}, 'tcp 192.0.2.1:5070'],
      ['sip:192.0.2.1;transport=udp', { prefer: 'tcp' }, 'udp 192.0.2.1:5060'],
      ['sip:[2001:db8::1]', { family: 6 }, 'udp [2001:db8::1]:5060'],
      ['sips:192.0.2.1', { protocols: ALL }, 'tls 192.0.2.1:5061'],
      ['sips:192.0.2.1;transport=tcp', { protocols: ALL }, 'tls 192.0.2.1:5061'],
      ['sip:192.0.2.1;transport=tls', { protocols: ALL }, 'tls 192.0.2.1:5061'],
      ['sips:192.0.2.1', { protocols: ['udp', 'wss'] }, 'wss 192.0.2.1:443'],
      ['sip:192.0.2.1;transport=ws', { protocols: ALL }, 'ws 192.0.2.1:80'],
      ['sip:192.0.2.1;transport=ws', { protocols: ['udp', 'wss'] }, 'wss 192.0.2.1:443'],
      ['sip:192.0.2.1;transport=ws', { protocols: ALL, prefer: 'wss' }, 'wss 192.0.2.1:443'],
      ['sips:192.0.2.1;transport=ws', { protocols: ALL }, 'wss 192.0.2.1:443'],
      ['sip:192.0.2.1:8080;transport=ws', { protocols: ALL }, 'ws 192.0.2.1:8080'],
      ['sip:example.com;maddr=192.0.2.7', {}, 'udp 192.0.2.7:5060 (example.com)'],
      ['sip:192.0.2.1:5070;maddr=192.0.2.7', {}, 'udp 192.0.2.7:5070'],
    ] as const) {
      it(`${uri}, ${JSON.stringify(rules)}: ${expected}, at once`, () => {
        const result = targets(uri, rules)
        assert.ok(Array.isArray(result))
        assert.deepEqual(result.map(textOf), [expected])
        assert.deepEqual(names.asked, [])
      })
    }

    for (const [uri, protocols] of [
      ['sips:192.0.2.1', ['udp', 'tcp']],
      ['sip:192.0.2.1;transport=tls', ['udp', 'tcp']],
      ['sip:192.0.2.1;transport=sctp', ALL],
      ['sips:192.0.2.1;transport=udp', ALL],
    ] as const) {
      it(`refuses ${uri} if we speak ${protocols.join()}`, () => {
        assert.throws(() => targets(uri, { protocols }), { code: 'TRANSPORT', message: /asks for another transport/ })
      })
    }
  })

  describe('with a name and a port (RFC 3263 4.2)', () => {
    it('are all addresses of the name at that port; neither NAPTR nor SRV is asked for', async () => {
      names.hosts.set('example.com', ['192.0.2.1', '2001:db8::1', '192.0.2.2'])
      names.services.set('_sip._udp.example.com', [srv(1, 1, 'other.example.com')])
      assert.deepEqual(await found('sip:example.com:5080'), [
        'udp 192.0.2.1:5080 (example.com)',
        'udp 192.0.2.2:5080 (example.com)',
      ])
      assert.deepEqual(await found('sip:example.com:5080', { family: 6, prefer: 'tcp' }), [
        'tcp [2001:db8::1]:5080 (example.com)',
      ])
      assert.deepEqual(names.asked, ['A example.com', 'AAAA example.com'])
    })

    it('are refused if the name has no address of our family', async () => {
      names.hosts.set('example.com', ['2001:db8::1'])
      await assert.rejects(found('sip:example.com:5080'), { code: 'TRANSPORT', message: /no IPv4 address/ })
    })

    it('of which `maddr` takes the place of the host, but not of the name in the certificate', async () => {
      names.hosts.set('proxy.example.net', ['192.0.2.9'])
      assert.deepEqual(await found('sip:example.com:5080;maddr=Proxy.example.net'), [
        'udp 192.0.2.9:5080 (example.com)',
      ])
      assert.deepEqual(await found('sip:192.0.2.1:5080;maddr=proxy.example.net'), [
        'udp 192.0.2.9:5080 (proxy.example.net)',
      ])
    })
  })

  describe('with NAPTR records (RFC 3263 4.1)', () => {
    beforeEach(() => {
      names.pointers.set('example.com', [
        naptr(50, 'SIP+D2U', 'udp.example.com', 20),
        naptr(50, 'sip+d2t', 'tcp.example.com', 10),
        naptr(10, 'SIPS+D2T', 'tls.example.com'),
        naptr(5, 'SIP+D2S', 'sctp.example.com'),
        { ...naptr(1, 'SIP+D2U', 'a.example.com'), flags: 'a' },
      ])
      for (const name of ['udp', 'tcp', 'tls', 'ws']) {
        names.services.set(`${name}.example.com`, [srv(1, 1, `${name}-1.example.com`, 5099)])
        names.hosts.set(`${name}-1.example.com`, [`192.0.2.${name.charCodeAt(1)}`])
      }
    })

    it('take the services that we speak, by order and preference', async () => {
      assert.deepEqual(await found('sip:example.com', { protocols: ALL }), [
        'tls 192.0.2.108:5099 (example.com)',
        'tcp 192.0.2.99:5099 (example.com)',
        'udp 192.0.2.100:5099 (example.com)',
      ])
      assert.deepEqual(await found('sip:example.com'), [
        'tcp 192.0.2.99:5099 (example.com)',
        'udp 192.0.2.100:5099 (example.com)',
      ])
    })

    it('of sips take secure services only', async () => {
      assert.deepEqual(await found('sips:example.com', { protocols: ALL }), ['tls 192.0.2.108:5099 (example.com)'])
    })

    it('do not count if the URI or we choose the protocol', async () => {
      names.hosts.set('example.com', ['192.0.2.1'])
      assert.deepEqual(await found('sip:example.com;transport=udp'), ['udp 192.0.2.1:5060 (example.com)'])
      assert.deepEqual(await found('sip:example.com', { prefer: 'udp' }), ['udp 192.0.2.1:5060 (example.com)'])
      assert.ok(!names.asked.includes('NAPTR example.com'))
    })

    it('name WebSocket services (RFC 7118)', async () => {
      names.pointers.set('example.com', [naptr(1, 'SIPS+D2W', 'ws.example.com')])
      assert.deepEqual(await found('sip:example.com', { protocols: ALL }), ['wss 192.0.2.115:5099 (example.com)'])
    })

    it('that lead to no SRV record leave the choice to SRV', async () => {
      names.services.clear()
      names.services.set('_sip._udp.example.com', [srv(1, 1, 'udp-1.example.com')])
      assert.deepEqual(await found('sip:example.com'), ['udp 192.0.2.100:5060 (example.com)'])
    })
  })

  describe('with SRV records (RFC 3263 4.2)', () => {
    beforeEach(() => {
      for (const [index, host] of ['a', 'b', 'c'].entries()) {
        names.hosts.set(`${host}.example.com`, [`192.0.2.${index + 1}`])
      }
    })

    it('stand by priority; a host with several addresses is several targets', async () => {
      names.hosts.set('a.example.com', ['192.0.2.1', '192.0.2.11'])
      names.services.set('_sip._udp.example.com', [
        srv(30, 0, 'c.example.com'),
        srv(10, 0, 'a.example.com', 5070),
        srv(20, 0, 'b.example.com'),
      ])
      assert.deepEqual(await found('sip:example.com'), [
        'udp 192.0.2.1:5070 (example.com)',
        'udp 192.0.2.11:5070 (example.com)',
        'udp 192.0.2.2:5060 (example.com)',
        'udp 192.0.2.3:5060 (example.com)',
      ])
    })

    it('without NAPTR are those of the protocols that we speak, in our order', async () => {
      names.services.set('_sip._udp.example.com', [srv(10, 0, 'a.example.com')])
      names.services.set('_sip._tcp.example.com', [srv(1, 0, 'b.example.com')])
      names.services.set('_sips._tcp.example.com', [srv(1, 0, 'c.example.com', 5061)])
      assert.deepEqual(await found('sip:example.com'), [
        'udp 192.0.2.1:5060 (example.com)',
        'tcp 192.0.2.2:5060 (example.com)',
      ])
      assert.deepEqual(await found('sip:example.com', { protocols: ['tls', 'udp'] }), [
        'tls 192.0.2.3:5061 (example.com)',
        'udp 192.0.2.1:5060 (example.com)',
      ])
      assert.deepEqual(await found('sip:example.com', { prefer: 'tcp' }), [
        'tcp 192.0.2.2:5060 (example.com)',
        'udp 192.0.2.1:5060 (example.com)',
      ])
      assert.deepEqual(await found('sip:example.com;transport=tcp'), ['tcp 192.0.2.2:5060 (example.com)'])
      assert.deepEqual(await found('sips:example.com;transport=tcp', { protocols: ALL }), [
        'tls 192.0.2.3:5061 (example.com)',
      ])
    })

    for (const [protocol, name] of [
      ['ws', '_sip._ws.example.com'],
      ['wss', '_sips._ws.example.com'],
    ] as const) {
      it(`for ${protocol} have the name ${name}`, async () => {
        names.services.set(name, [srv(1, 0, 'a.example.com', 8088)])
        assert.deepEqual(await found(`sip:example.com;transport=${protocol}`, { protocols: ALL }), [
          `${protocol} 192.0.2.1:8088 (example.com)`,
        ])
      })
    }

    it('whose target is "." mean that there is no service (RFC 2782)', async () => {
      names.hosts.set('example.com', ['192.0.2.80'])
      names.services.set('_sip._udp.example.com', [srv(0, 0, '.', 0)])
      assert.deepEqual(await found('sip:example.com'), ['tcp 192.0.2.80:5060 (example.com)'])
      names.services.set('_sip._tcp.example.com', [srv(0, 0, '.', 0)])
      await assert.rejects(found('sip:example.com'), { code: 'TRANSPORT', message: /has no SIP service by UDP, TCP/ })
    })

    it('pass over a server without an address; if none has one, the address of the domain does not count', async () => {
      names.hosts.set('example.com', ['192.0.2.80'])
      names.services.set('_sip._udp.example.com', [srv(1, 0, 'gone.example.com'), srv(2, 0, 'b.example.com')])
      assert.deepEqual(await found('sip:example.com'), ['udp 192.0.2.2:5060 (example.com)'])
      names.hosts.delete('b.example.com')
      await assert.rejects(found('sip:example.com'), { code: 'TRANSPORT', message: /servers of example.com/ })
    })

    it('are 12 targets at most', async () => {
      names.services.set(
        '_sip._udp.example.com',
        Array.from({ length: 30 }, (_, n) => srv(n, 0, 'a.example.com', 5060 + n)),
      )
      assert.equal((await found('sip:example.com')).length, 12)
    })
  })

  describe('without service records (RFC 3263 4.2)', () => {
    beforeEach(() => names.hosts.set('example.com', ['192.0.2.1']))

    for (const [uri, rules, expected] of [
      ['sip:example.com', {}, 'udp 192.0.2.1:5060'],
      ['sip:example.com', { prefer: 'tcp' }, 'tcp 192.0.2.1:5060'],
      ['sips:example.com', { protocols: ALL }, 'tls 192.0.2.1:5061'],
      ['sip:example.com;transport=tls', { protocols: ALL }, 'tls 192.0.2.1:5061'],
      ['sip:example.com;transport=ws', { protocols: ALL }, 'ws 192.0.2.1:80'],
      ['sips:example.com;transport=ws', { protocols: ALL }, 'wss 192.0.2.1:443'],
    ] as const) {
      it(`${uri}, ${JSON.stringify(rules)}: the address of the domain at the default port, ${expected}`, async () => {
        assert.deepEqual(await found(uri, rules), [`${expected} (example.com)`])
      })
    }

    it('nor answers to the questions for them: the address of the domain', async () => {
      for (const question of ['NAPTR example.com', 'SRV _sip._udp.example.com', 'SRV _sip._tcp.example.com']) {
        names.failing.add(question)
      }
      assert.deepEqual(await found('sip:example.com'), ['udp 192.0.2.1:5060 (example.com)'])
    })

    it('are refused with the reason if the address cannot be found either', async () => {
      names.failing.add('A example.com')
      await assert.rejects(found('sip:example.com'), /server failure/)
    })
  })

  describe('that failed or worked', () => {
    beforeEach(() => {
      names.hosts.set('a.example.com', ['192.0.2.1'])
      names.hosts.set('b.example.com', ['192.0.2.2'])
    })
    const two = (priorities: [number, number]) =>
      names.services.set('_sip._udp.example.com', [
        srv(priorities[0], 0, 'a.example.com'),
        srv(priorities[1], 0, 'b.example.com'),
      ])
    const hosts = async (): Promise<string[]> => (await targets('sip:example.com')).map(({ host }) => host)
    const target = (host: string): Target => ({ protocol: 'udp', host, port: 5060, name: 'example.com' })

    it('are tried last for 30 s, then for twice as long up to 5 minutes, until they work', async () => {
      two([1, 2])
      for (const restSec of [30, 60, 120, 240, 300, 300]) {
        hops.failed(target('192.0.2.1'))
        clock.advance(restSec * 1_000 - 1)
        assert.deepEqual(await hosts(), ['192.0.2.2', '192.0.2.1'], `${restSec} s`)
        assert.ok(hops.isResting(target('192.0.2.1')))
        clock.advance(1)
        assert.deepEqual(await hosts(), ['192.0.2.1', '192.0.2.2'], `${restSec} s`)
      }
      hops.failed(target('192.0.2.1'))
      hops.worked(target('192.0.2.1'))
      assert.deepEqual(await hosts(), ['192.0.2.1', '192.0.2.2'])
      hops.failed(target('192.0.2.1'))
      clock.advance(30_000)
      assert.deepEqual(await hosts(), ['192.0.2.1', '192.0.2.2'])
    })

    it('rest for the time in Retry-After, an hour at most (RFC 3261 21.5.4)', async () => {
      two([1, 2])
      hops.failed(target('192.0.2.1'), 90)
      clock.advance(89_999)
      assert.deepEqual(await hosts(), ['192.0.2.2', '192.0.2.1'])
      clock.advance(1)
      assert.deepEqual(await hosts(), ['192.0.2.1', '192.0.2.2'])
      hops.failed(target('192.0.2.1'), 1_000_000)
      clock.advance(3_600_000)
      assert.deepEqual(await hosts(), ['192.0.2.1', '192.0.2.2'])
    })

    it('are tried in their order if all of them rest', async () => {
      two([1, 2])
      hops.failed(target('192.0.2.2'))
      hops.failed(target('192.0.2.1'))
      assert.deepEqual(await hosts(), ['192.0.2.1', '192.0.2.2'])
    })

    it('stay first among equals if they worked last, not before a server of a better priority', async () => {
      two([1, 1])
      assert.deepEqual(await hosts(), ['192.0.2.1', '192.0.2.2'])
      hops.worked(target('192.0.2.2'))
      assert.deepEqual(await hosts(), ['192.0.2.2', '192.0.2.1'])
      two([1, 2])
      assert.deepEqual(await hosts(), ['192.0.2.1', '192.0.2.2'])
    })
  })
})
