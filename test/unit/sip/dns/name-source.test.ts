import assert from 'node:assert/strict'
import { Turns } from '../../../../src/base/turns.js'
import type { DnsAnswer } from '../../../../src/sip/dns/dns-client.js'
import { NameSource } from '../../../../src/sip/dns/name-source.js'
import { namesInHosts } from '../../../../src/sip/dns/system-names.js'

/** DNS and a system whose answers a test sets. */
class World {
  readonly asked: string[] = []
  dns: (name: string) => Partial<DnsAnswer<string>> = () => ({})
  system: (name: string) => readonly string[] = () => []
  listed = new Set<string>()

  source(hasOwnServers = false): NameSource {
    return new NameSource({
      dns: {
        query: async (name, type) => {
          this.asked.push(`dns ${type} ${name}`)
          return { kind: 'answer', data: [], ttlSec: 100, exists: true, ...this.dns(name) } as never
        },
      },
      system: {
        isListed: async (name) => this.listed.has(name),
        lookup: async (name) => {
          this.asked.push(`system ${name}`)
          return this.system(name)
        },
      },
      lookups: new Turns({ atOnce: 2, waiting: 10 }),
      hasOwnServers,
    })
  }
}

describe('where a name is looked up', () => {
  let world: World
  beforeEach(() => {
    world = new World()
  })

  it('in DNS', async () => {
    world.dns = () => ({ data: ['192.0.2.1', '192.0.2.1', '192.0.2.2'], ttlSec: 100 })
    const source = world.source()
    assert.deepEqual(await source.addresses('a.example.com', 4), { value: ['192.0.2.1', '192.0.2.2'], ttlMs: 100_000 })
    await source.addresses('a.example.com', 6)
    await source.srv('_sip._udp.example.com')
    await source.naptr('example.com')
    assert.deepEqual(world.asked, [
      'dns A a.example.com',
      'dns AAAA a.example.com',
      'dns SRV _sip._udp.example.com',
      'dns NAPTR example.com',
    ])
  })

  for (const [data, ttlSec, kept] of [
    [['192.0.2.1'], 0, 5],
    [['192.0.2.1'], 100_000, 3_600],
    [[], 0, 5],
    [[], 900, 60],
  ] as const) {
    it(`which says ${ttlSec} s for ${data.length} records: the answer is kept for ${kept} s`, async () => {
      world.dns = () => ({ data, ttlSec })
      assert.equal((await world.source().addresses('a.example.com', 4)).ttlMs, kept * 1_000)
    })
  }

  for (const name of ['localhost', 'pbx', 'a.localhost', 'phone.local', 'listed.example.com']) {
    it(`by the system: ${name}, which has no services`, async () => {
      world.listed.add('listed.example.com')
      world.system = () => ['192.0.2.9']
      const source = world.source(true)
      assert.deepEqual(await source.addresses(name, 4), { value: ['192.0.2.9'], ttlMs: 30_000 })
      assert.deepEqual((await source.srv(`_sip._udp.${name}`)).value, [])
      assert.deepEqual((await source.naptr(name)).value, [])
      assert.deepEqual(world.asked, [`system ${name}`])
    })
  }

  it('by the system if DNS does not know the name', async () => {
    world.dns = () => ({ exists: false })
    world.system = () => ['192.0.2.9']
    assert.deepEqual((await world.source().addresses('pbx.lab', 4)).value, ['192.0.2.9'])
  })

  it('by the system if DNS fails; the error says why DNS failed', async () => {
    world.dns = () => {
      throw new Error('the DNS server 192.0.2.53 does not answer')
    }
    world.system = () => ['192.0.2.9']
    assert.deepEqual((await world.source().addresses('pbx.lab', 4)).value, ['192.0.2.9'])
    world.system = () => []
    await assert.rejects(world.source().addresses('pbx.lab', 4), {
      code: 'TRANSPORT',
      message: 'the name pbx.lab cannot be resolved: the DNS server 192.0.2.53 does not answer',
    })
  })

  it('in DNS only, if the name exists there without an address of this family', async () => {
    assert.deepEqual((await world.source().addresses('six.example.com', 4)).value, [])
    assert.deepEqual(world.asked, ['dns A six.example.com'])
  })

  it('in DNS only, if the user has set the servers', async () => {
    world.dns = () => ({ exists: false })
    assert.deepEqual((await world.source(true).addresses('pbx.lab', 4)).value, [])
    world.dns = () => {
      throw new Error('the DNS server 192.0.2.53 does not answer')
    }
    await assert.rejects(world.source(true).addresses('pbx.lab', 4), /192.0.2.53 does not answer/)
    assert.deepEqual(world.asked, ['dns A pbx.lab', 'dns A pbx.lab'])
  })

  it('nowhere, if it ends in .invalid (RFC 6761 6.4)', async () => {
    const source = world.source()
    assert.deepEqual((await source.addresses('df7jal23ls0d.invalid', 4)).value, [])
    assert.deepEqual((await source.srv('_sip._udp.df7jal23ls0d.invalid')).value, [])
    assert.deepEqual(world.asked, [])
  })

  it('in the hosts file, by every name of a line', () => {
    const text =
      '# 192.0.2.1 not.example\n127.0.0.1 localhost\r\n192.0.2.7\tPBX.example.com pbx # the exchange\n\n::1 six'
    assert.deepEqual([...namesInHosts(text)], ['localhost', 'pbx.example.com', 'pbx', 'six'])
  })
})
