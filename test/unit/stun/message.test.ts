import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  BINDING,
  isStun,
  MAPPED_ADDRESS,
  mappedAddress,
  parseStun,
  type StunMessage,
  stunOctets,
  xorMappedAddress,
} from '../../../src/stun/message.js'

/** RFC 5769 2.2 and 2.3: 192.0.2.1 and an IPv6 address, both with port 32853. */
const VECTOR_ID = 'b7e7a701bc34d686fa87dfae'
const SOFTWARE = '8022000b7465737420766563746f7220'
const RESPONSE_4 = Buffer.from(
  `0101003c2112a442${VECTOR_ID}${SOFTWARE}002000080001a147e112a643` +
    '000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96',
  'hex',
)
const RESPONSE_6 = Buffer.from(
  `010100482112a442${VECTOR_ID}${SOFTWARE}002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9` +
    '00080014a382954e4be67bf11784c97c8292c275bfe3ed4180280004c8fb0b4c',
  'hex',
)

const ID = fc.uint8Array({ minLength: 12, maxLength: 12 }).map((octets) => Buffer.from(octets).toString('hex'))
const PLAIN = { noNullPrototype: true } as const
const MESSAGE: fc.Arbitrary<StunMessage> = fc.record(
  {
    kind: fc.constantFrom('request', 'indication', 'success', 'error'),
    method: fc.integer({ min: 0, max: 0xfff }),
    id: ID,
    attributes: fc.array(
      fc.record(
        {
          type: fc.integer({ min: 0, max: 0xffff }).filter((type) => type !== 0x8028),
          value: fc.uint8Array({ maxLength: 40 }).map((octets) => Buffer.from(octets)),
        },
        PLAIN,
      ),
      { maxLength: 5 },
    ),
  },
  PLAIN,
)
const ADDRESS = fc.record(
  {
    host: fc.oneof(
      fc.ipV4(),
      fc.ipV6().map((host) => new URL(`http://[${host}]`).hostname.slice(1, -1)),
    ),
    port: fc.integer({ min: 0, max: 0xffff }),
  },
  PLAIN,
)

describe('STUN message', () => {
  for (const [octets, host] of [
    [RESPONSE_4, '192.0.2.1'],
    [RESPONSE_6, '2001:db8:1234:5678:11:2233:4455:6677'],
  ] as const) {
    it(`is read as RFC 5769 has it: ${host}`, () => {
      const message = parseStun(octets)
      assert.ok(message)
      assert.deepEqual([message.kind, message.method, message.id], ['success', BINDING, VECTOR_ID])
      assert.deepEqual(
        message.attributes.map(({ type }) => type),
        [0x8022, 0x0020, 0x0008],
      )
      assert.equal(message.attributes[0]?.value.toString(), 'test vector')
      assert.deepEqual(mappedAddress(message), { host, port: 32853 })
    })
  }

  it('is written as it is read, and its fingerprint fits', () => {
    fc.assert(
      fc.property(MESSAGE, (message) => {
        const octets = stunOctets(message)
        assert.ok(isStun(octets))
        assert.deepEqual(parseStun(octets), message)
      }),
    )
  })

  it('carries any address, of either family, in disguise', () => {
    fc.assert(
      fc.property(ADDRESS, ID, (address, id) => {
        const octets = stunOctets({ kind: 'success', method: BINDING, id, attributes: [xorMappedAddress(address, id)] })
        const message = parseStun(octets)
        assert.ok(message)
        assert.deepEqual(mappedAddress(message), address)
      }),
    )
  })

  it('has the plain address of a server of RFC 3489', () => {
    const value = Buffer.from('0001138ac6336401', 'hex')
    const message = {
      kind: 'success',
      method: BINDING,
      id: VECTOR_ID,
      attributes: [{ type: MAPPED_ADDRESS, value }],
    } as const
    assert.deepEqual(mappedAddress(message), { host: '198.51.100.1', port: 5002 })
  })

  it('with one bit changed is not taken', () => {
    fc.assert(
      fc.property(MESSAGE, fc.nat(), (message, bit) => {
        const octets = stunOctets(message)
        const at = bit % (8 * octets.length)
        octets[at >> 3] = (octets[at >> 3] ?? 0) ^ (1 << (at & 7))
        const parsed = parseStun(octets)
        // Without its fingerprint the message may pass, but then another attribute has taken the place of it.
        if (parsed) assert.notDeepEqual(parsed, message)
      }),
    )
  })

  it('any octets: not STUN, or a message that is written and read again', () => {
    const head = fc.constantFrom('000100002112a442', '0101000c2112a442', '010100082112a442', '')
    fc.assert(
      fc.property(head, fc.uint8Array({ maxLength: 60 }), (begin, rest) => {
        const octets = Buffer.concat([Buffer.from(begin, 'hex'), rest])
        const message = parseStun(octets)
        if (!message) return
        mappedAddress(message)
        assert.deepEqual(parseStun(stunOctets(message)), message)
      }),
    )
  })

  it('is told from SIP and keep-alives by its beginning', () => {
    for (const text of ['INVITE sip:a SIP/2.0\r\nVia: x\r\n', 'SIP/2.0 200 OK\r\nVia: 1234567', '\r\n\r\n', ''])
      assert.equal(isStun(Buffer.from(text)), false)
    assert.equal(isStun(RESPONSE_4.subarray(0, 19)), false)
    const rtp = Buffer.from(RESPONSE_4)
    rtp[0] = 0x80
    assert.equal(isStun(rtp), false)
  })
})
