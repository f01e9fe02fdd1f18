import assert from 'node:assert/strict'
import fc from 'fast-check'
import { buildRtcp, ntpMiddle, ntpTime, parseRtcp, roundTripMs } from '../../../../src/media/rtp/rtcp-packet.js'

const uint32 = fc.integer({ min: 0, max: 0xffff_ffff })
const block = fc.record(
  {
    ssrc: uint32,
    fractionLost: fc.integer({ min: 0, max: 255 }),
    cumulativeLost: fc.integer({ min: -0x800000, max: 0x7fffff }),
    extendedHighestSequence: uint32,
    jitter: uint32,
    lastSr: uint32,
    delaySinceLastSr: uint32,
  },
  { noNullPrototype: true },
)
const sender = fc.record(
  {
    ntpSeconds: uint32,
    ntpFraction: uint32,
    rtpTimestamp: uint32,
    packets: uint32,
    octets: uint32,
  },
  { noNullPrototype: true },
)

describe('RTCP compounds', () => {
  it('what is built is parsed again, on whole words', () => {
    const compound = fc.record(
      {
        ssrc: uint32,
        cname: fc.string({ minLength: 1, maxLength: 30 }),
        sender: fc.option(sender, { nil: undefined }),
        blocks: fc.array(block, { maxLength: 3 }),
        bye: fc.boolean(),
      },
      { noNullPrototype: true },
    )
    fc.assert(
      fc.property(compound, ({ sender, ...init }) => {
        const bytes = buildRtcp({ ...init, ...(sender ? { sender } : {}) })
        assert.equal(bytes.length % 4, 0)
        const { ssrc, blocks, cname, bye } = init
        assert.deepEqual(parseRtcp(bytes), [
          sender ? { type: 'sender-report', ssrc, sender, blocks } : { type: 'receiver-report', ssrc, blocks },
          { type: 'source-description', ssrc, cname },
          ...(bye ? [{ type: 'bye', ssrcs: [ssrc] }] : []),
        ])
      }),
    )
  })

  it('any bytes are refused or parsed, never thrown at', () => {
    const looksRight = fc.uint8Array({ minLength: 8, maxLength: 200 }).map((bytes) => {
      bytes.set([0x80 | ((bytes[0] ?? 0) & 0x1f), 200 + ((bytes[1] ?? 0) % 4), 0, (bytes[3] ?? 0) % 12])
      return bytes
    })
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), looksRight), (bytes) => {
        parseRtcp(bytes)
      }),
      { numRuns: 5000 },
    )
  })

  it('a compound that does not start with a report, or is cut off, is none (RFC 3550 A.2)', () => {
    const good = buildRtcp({ ssrc: 1, cname: 'c', blocks: [], bye: true })
    assert.equal(parseRtcp(good.subarray(8)), null)
    assert.equal(parseRtcp(good.subarray(0, good.length - 1)), null)
    assert.equal(parseRtcp(new Uint8Array(0)), null)
  })

  it('the round trip of the example in RFC 3550 6.4.1 is 6.125 s', () => {
    // A = 46864.500 s, LSR = 46853.125 s, DLSR = 5.250 s (figure 2)
    const receivedMs = 46864.5 * 1000
    const wallMs = receivedMs - (2_208_988_800 % 65536) * 1000 + 65536_000
    const example = { lastSr: 0xb705_2000, delaySinceLastSr: 0x0005_4000 }
    assert.equal(ntpMiddle(ntpTime(wallMs)), 0xb710_8000)
    const rest = { ssrc: 1, fractionLost: 0, cumulativeLost: 0, extendedHighestSequence: 0, jitter: 0 }
    assert.equal(roundTripMs({ ...example, ...rest }, wallMs), 6125)
    assert.equal(roundTripMs({ ...example, ...rest, lastSr: 0 }, wallMs), null)
    assert.equal(
      roundTripMs({ ...example, ...rest }, wallMs - 6200),
      0,
      'clocks that run backwards give nothing below 0',
    )
  })
})
