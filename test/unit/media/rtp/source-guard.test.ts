import assert from 'node:assert/strict'
import { SourceGuard } from '../../../../src/media/rtp/source-guard.js'

const SDP = { host: '192.0.2.5', port: 4000 }
const SSRC = 9

/** Sends `count` packets in sequence; returns which were admitted, as a string of 0 and 1. */
function send(guard: SourceGuard, host: string, port: number, count: number, { from = 0, atMs = 0, ssrc = SSRC } = {}) {
  return Array.from({ length: count }, (_, i) =>
    guard.admit(host, port, ssrc, (from + i) & 0xffff, atMs + i * 20) ? 1 : 0,
  ).join('')
}

describe('source guard', () => {
  it('the address in SDP is heard at once', () => {
    const guard = new SourceGuard(SDP)
    assert.equal(send(guard, SDP.host, SDP.port, 3), '111')
    assert.equal(guard.dropped, 0)
  })

  it('another port of the same host has to send four packets in sequence, then gets our packets too', () => {
    const guard = new SourceGuard(SDP)
    assert.equal(send(guard, SDP.host, 51_234, 6, { from: 65_534 }), '000111')
    assert.deepEqual(guard.target, { host: SDP.host, port: 51_234 })
    assert.equal(guard.dropped, 3)
  })

  it('gaps, another SSRC or another port start the probation anew', () => {
    const guard = new SourceGuard(SDP)
    assert.equal(send(guard, SDP.host, 51_234, 3), '000')
    assert.equal(send(guard, SDP.host, 51_234, 3, { from: 10 }), '000')
    assert.equal(send(guard, SDP.host, 51_234, 3, { from: 13, ssrc: 10 }), '000')
    assert.equal(send(guard, SDP.host, 51_235, 3, { from: 16, ssrc: 10 }), '000')
    assert.deepEqual(guard.target, SDP)
  })

  it('another host is never heard, before, during or after', () => {
    const guard = new SourceGuard(SDP)
    assert.equal(send(guard, '198.51.100.6', 4000, 50), '0'.repeat(50))
    send(guard, SDP.host, SDP.port, 1)
    assert.equal(send(guard, '198.51.100.6', 4000, 50), '0'.repeat(50))
    assert.equal(send(guard, '198.51.100.6', 4000, 50, { atMs: 60_000 }), '0'.repeat(50))
    assert.deepEqual(guard.target, SDP)
    assert.equal(guard.dropped, 150)
  })

  it('a source that SDP vouches for is not displaced, however long it is silent', () => {
    const guard = new SourceGuard(SDP)
    send(guard, SDP.host, SDP.port, 1)
    assert.equal(send(guard, SDP.host, 51_234, 10, { atMs: 100 }), '0'.repeat(10))
    assert.equal(send(guard, SDP.host, 51_234, 10, { atMs: 600_000 }), '0'.repeat(10))
    assert.deepEqual(guard.target, SDP)
  })

  it('a forger that was first yields to the address in SDP at once', () => {
    const guard = new SourceGuard(SDP)
    assert.equal(send(guard, SDP.host, 666, 5), '00011')
    assert.equal(send(guard, SDP.host, SDP.port, 1), '1')
    assert.deepEqual(guard.target, SDP)
    assert.equal(send(guard, SDP.host, 666, 5, { from: 5 }), '00000')
  })

  it('a NAT that forgot its binding is followed after a silence, only by the same stream', () => {
    const guard = new SourceGuard(SDP)
    send(guard, SDP.host, 51_234, 5)
    assert.equal(send(guard, SDP.host, 51_999, 6, { from: 5, atMs: 1000 }), '000000', 'it was heard a moment ago')
    assert.equal(send(guard, SDP.host, 51_999, 6, { from: 5, atMs: 4000, ssrc: 666 }), '000000')
    assert.equal(send(guard, SDP.host, 51_999, 6, { from: 5, atMs: 5000 }), '000111')
    assert.equal(guard.target.port, 51_999)
  })

  it('RTCP is heard from the port in SDP, or by the source that is heard', () => {
    const guard = new SourceGuard(SDP)
    assert.ok(guard.admitRtcp(SDP.host, 4001, 1, 4001))
    assert.ok(!guard.admitRtcp(SDP.host, 51_235, SSRC, 4001), 'nobody is locked yet')
    send(guard, SDP.host, 51_234, 4)
    assert.ok(guard.admitRtcp(SDP.host, 51_235, SSRC, 4001))
    assert.ok(!guard.admitRtcp(SDP.host, 51_235, 666, 4001))
    assert.ok(!guard.admitRtcp('198.51.100.6', 4001, SSRC, 4001))
  })
})
