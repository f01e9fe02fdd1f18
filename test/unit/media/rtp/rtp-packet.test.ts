import assert from 'node:assert/strict'
import fc from 'fast-check'
import { emptyRtpView, looksLikeRtcp, parseRtp, writeRtpHeader } from '../../../../src/media/rtp/rtp-packet.js'

const header = fc.record({
  payloadType: fc.integer({ min: 0, max: 127 }),
  marker: fc.boolean(),
  sequence: fc.integer({ min: 0, max: 0xffff }),
  timestamp: fc.integer({ min: 0, max: 0xffff_ffff }),
  ssrc: fc.integer({ min: 0, max: 0xffff_ffff }),
})

describe('RTP packets', () => {
  it('what is written is read again', () => {
    fc.assert(
      fc.property(header, fc.uint8Array({ maxLength: 480 }), (h, payload) => {
        const packet = new Uint8Array(12 + payload.length)
        packet.set(payload, 12)
        writeRtpHeader(packet, h.payloadType, h.marker, h.sequence, h.timestamp, h.ssrc)
        const view = emptyRtpView()
        assert.ok(parseRtp(packet, view))
        assert.deepEqual(view, { ...h, payloadStart: 12, payloadEnd: packet.length })
      }),
    )
  })

  it('any bytes are refused, or their payload lies inside of them', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      // Version 2, so that the rest of the header is parsed.
      fc.uint8Array({ minLength: 12, maxLength: 200 }).map((b) => b.fill(0x80 | ((b[0] ?? 0) & 0x3f), 0, 1)),
    )
    fc.assert(
      fc.property(bytes, (packet) => {
        const view = emptyRtpView()
        if (!parseRtp(packet, view)) return
        assert.ok(view.payloadStart >= 12 && view.payloadStart <= view.payloadEnd && view.payloadEnd <= packet.length)
      }),
      { numRuns: 2000 },
    )
  })

  it('contributing sources, an extension and padding are passed over', () => {
    const packet = Uint8Array.from([
      ...[0xb2, 0x88, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3], // P, X, two CSRC
      ...[1, 1, 1, 1, 2, 2, 2, 2],
      ...[0xbe, 0xde, 0, 1, 9, 9, 9, 9], // extension of one word
      ...[0xaa, 0xbb],
      ...[0, 0, 3],
    ])
    const view = emptyRtpView()
    assert.ok(parseRtp(packet, view))
    assert.deepEqual([...packet.subarray(view.payloadStart, view.payloadEnd)], [0xaa, 0xbb])
    assert.ok(view.marker && view.payloadType === 8)
  })

  it('refuses an extension or padding that reaches beyond the packet, and padding of no octets', () => {
    const base = [0x80, 0x08, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3]
    const view = emptyRtpView()
    assert.equal(parseRtp(Uint8Array.from([0x90, ...base.slice(1), 0, 0, 0xff, 0xff]), view), false)
    assert.equal(parseRtp(Uint8Array.from([0xa0, ...base.slice(1), 1, 2, 9]), view), false)
    assert.equal(parseRtp(Uint8Array.from([0xa0, ...base.slice(1), 1, 2, 0]), view), false)
    assert.equal(parseRtp(Uint8Array.from(base.slice(0, 11)), view), false)
  })

  it('tells RTCP on the RTP port by its type', () => {
    assert.ok(looksLikeRtcp(Uint8Array.from([0x80, 200])))
    assert.ok(!looksLikeRtcp(Uint8Array.from([0x80, 0x80 | 101])))
  })
})
