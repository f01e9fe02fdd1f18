import assert from 'node:assert/strict'
import { BlockList } from 'node:net'
import fc from 'fast-check'
import { AddressSet, parseBlock } from '../../../../src/sip/admission/address-set.js'

const setOf = (...sources: string[]): AddressSet => {
  const set = new AddressSet()
  for (const source of sources) set.add(source)
  return set
}
const ipv4Of = (octets: ArrayLike<number>): string => Array.from(octets).join('.')
const ipv6Of = (groups: ArrayLike<number>): string => Array.from(groups, (group) => group.toString(16)).join(':')

/** The address with one bit turned over, counted from the left. */
function turned(octets: Uint8Array, bit: number): Uint8Array {
  const other = Uint8Array.from(octets)
  other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (128 >> (bit & 7))
  return other
}
const groupsOf = (octets: Uint8Array): number[] =>
  Array.from({ length: 8 }, (_, n) => (octets[2 * n] ?? 0) * 256 + (octets[2 * n + 1] ?? 0))

describe('a set of addresses and blocks', () => {
  it('knows addresses and blocks of IPv4', () => {
    const set = setOf('192.0.2.1', '198.51.100.0/24', ' 203.0.113.8/30 ')
    assert.ok(['192.0.2.1', '198.51.100.77', '203.0.113.11'].every((each) => set.has(each)))
    assert.ok(!['192.0.2.2', '198.51.101.1', '203.0.113.12', '::1', 'example.com', ''].some((each) => set.has(each)))
  })

  it('knows those of IPv6, however they are written', () => {
    const set = setOf('2001:DB8:0::/48', '::1', '192.0.2.1')
    assert.ok(['2001:db8::7', '2001:0db8:0000:ffff::', '0:0:0:0:0:0:0:1', '::1%lo'].every((each) => set.has(each)))
    assert.ok(!['2001:db8:1::7', '::2', 'fe80::1%eth0', '::'].some((each) => set.has(each)))
  })

  it('knows an IPv4 address in IPv6 notation, as sockets for both families name it', () => {
    assert.ok(setOf('192.0.2.0/24').has('::ffff:192.0.2.7'))
    assert.ok(setOf('192.0.2.0/24').has('::ffff:c000:207'))
    assert.ok(setOf('::ffff:192.0.2.0/120').has('192.0.2.7'))
    assert.ok(!setOf('::ffff:192.0.2.0/120').has('192.0.3.7'))
  })

  for (const [block, inside, outside] of [
    ['0.0.0.0/0', ['0.0.0.0', '255.255.255.255', '192.0.2.1'], ['::1']],
    ['::/0', ['::', 'ffff::ffff', '2001:db8::1'], ['192.0.2.1']],
    ['192.0.2.2/31', ['192.0.2.2', '192.0.2.3'], ['192.0.2.1', '192.0.2.4']],
    ['192.0.2.2/32', ['192.0.2.2'], ['192.0.2.1', '192.0.2.3']],
    ['2001:db8::2/127', ['2001:db8::2', '2001:db8::3'], ['2001:db8::1', '2001:db8::4']],
    ['2001:db8::2/128', ['2001:db8::2'], ['2001:db8::3', '2001:db8::1']],
    ['2001:db8::/65', ['2001:db8::1', '2001:db8::7fff:0:0:0'], ['2001:db8::8000:0:0:0']],
    ['2001:db8::/33', ['2001:db8:7fff::1'], ['2001:db8:8000::1']],
  ] as const) {
    it(`${block} holds its own addresses and no others`, () => {
      const set = setOf(block)
      assert.deepEqual(
        inside.map((each) => set.has(each)),
        inside.map(() => true),
      )
      assert.deepEqual(
        outside.map((each) => set.has(each)),
        outside.map(() => false),
      )
    })
  }

  it('holds what differs behind the prefix and nothing that differs within it, in both families and each length', () => {
    fc.assert(
      fc.property(
        fc.boolean(),
        fc.uint8Array({ minLength: 16, maxLength: 16 }),
        fc.nat(128),
        fc.nat(127),
        (v6, all, l, b) => {
          const octets = v6 ? all : all.subarray(0, 4)
          const bits = octets.length * 8
          const [length, bit] = [l % (bits + 1), b % bits]
          const write = (each: Uint8Array) => (v6 ? ipv6Of(groupsOf(each)) : ipv4Of(each))
          const set = setOf(`${write(octets)}/${length}`)
          assert.ok(set.has(write(octets)))
          assert.equal(set.has(write(turned(octets, bit))), bit >= length)
        },
      ),
    )
  })

  it('agrees with the list of Node.js on IPv6 blocks', () => {
    const group = fc.constantFrom(0, 1, 0x8000, 0xffff, 0xdb8)
    const address = fc.array(group, { minLength: 8, maxLength: 8 })
    fc.assert(
      fc.property(address, address, fc.integer({ min: 0, max: 128 }), (block, other, length) => {
        const list = new BlockList()
        list.addSubnet(ipv6Of(block), length, 'ipv6')
        assert.equal(setOf(`${ipv6Of(block)}/${length}`).has(ipv6Of(other)), list.check(ipv6Of(other), 'ipv6'))
      }),
    )
  })

  it('passes over the zone of a link-local address, which is not part of it (RFC 4007 11)', () => {
    assert.ok(setOf('fe80::/10').has('fe80::7%eth0'))
    assert.ok(setOf('fe80::7%eth1').has('fe80::7'))
  })

  it('keeps what was added twice until it was deleted twice', () => {
    const set = setOf('192.0.2.0/24', '192.0.2.7/24', '192.0.2.1')
    set.delete('192.0.2.0/24')
    assert.ok(set.has('192.0.2.9'))
    set.delete('192.0.2.0/24')
    assert.deepEqual([set.has('192.0.2.9'), set.has('192.0.2.1')], [false, true])
    set.delete('192.0.2.0/24')
    set.delete('192.0.2.1')
    set.add('192.0.2.0/24')
    assert.ok(set.has('192.0.2.1'))
  })

  for (const text of [
    '',
    'example.com',
    '1.2.3',
    '1.2.3.4/33',
    '1.2.3.4/',
    '1.2.3.4/24/1',
    '::1/129',
    '1::2::3',
    '::/+1',
  ])
    it(`takes ${JSON.stringify(text)} for neither`, () => {
      assert.equal(parseBlock(text), undefined)
      const set = setOf(text)
      set.delete(text)
      assert.ok(!set.has(text))
    })
})
