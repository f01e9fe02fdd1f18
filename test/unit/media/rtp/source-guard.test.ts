import assert from 'node:assert/strict'
import { SourceGuard } from '../../../../src/media/rtp/source-guard.js'
import { Tally } from '../../../../src/media/rtp/tally.js'

const SDP = { host: '192.0.2.5', port: 4000, rtcpPort: 4001 }
const ADDRESS = { host: SDP.host, port: SDP.port }
const NAT = '203.0.113.7'
const SSRC = 9

const strict = () => new SourceGuard(SDP)
const behindNat = () => new SourceGuard({ ...SDP, natHosts: [NAT] })
const target = ({ target: { host, port } }: SourceGuard) => ({ host, port })

/** Sends `count` packets in sequence, one per 20 ms; returns which were admitted, as a string of 0 and 1. */
function send(
  guard: SourceGuard,
  host: string,
  port: number,
  count: number,
  { from = 0, atMs = 0, ssrc = SSRC, everyMs = 20 } = {},
) {
  return Array.from({ length: count }, (_, i) =>
    guard.admit(host, port, ssrc, (from + i) & 0xffff, atMs + i * everyMs) ? 1 : 0,
  ).join('')
}

const zeros = (count: number) => '0'.repeat(count)

describe('source guard', () => {
  it('the address in SDP is heard at once', () => {
    const guard = strict()
    assert.equal(send(guard, SDP.host, SDP.port, 3), '111')
    assert.equal(guard.dropped, 0)
  })

  it('another port of its host is never heard and never sent anything, before, during and in silences of the call', () => {
    const guard = strict()
    assert.equal(send(guard, SDP.host, 666, 500), zeros(500), 'the peer is silent from the start')
    assert.deepEqual(target(guard), ADDRESS)
    assert.equal(send(guard, SDP.host, SDP.port, 1, { atMs: 10_000 }), '1')
    assert.equal(send(guard, SDP.host, 666, 50, { atMs: 10_020 }), zeros(50))
    assert.equal(send(guard, SDP.host, 666, 500, { atMs: 600_000 }), zeros(500), 'the peer has been silent for long')
    assert.deepEqual(target(guard), ADDRESS)
    assert.equal(guard.dropped, 1050)
  })

  it('who sends for a second from an address that was not named, while nothing else is heard, is suspected to be the peer', () => {
    const guard = strict()
    const port = () => guard.suspect?.port
    send(guard, SDP.host, 51_234, 49)
    assert.equal(port(), undefined)
    send(guard, SDP.host, 51_234, 1)
    assert.equal(port(), 51_234)
    send(guard, SDP.host, SDP.port, 1)
    assert.equal(port(), undefined)
  })

  it('another host is never heard, before, during or after', () => {
    const guard = strict()
    assert.equal(send(guard, '198.51.100.6', 4000, 50), zeros(50))
    send(guard, SDP.host, SDP.port, 1)
    assert.equal(send(guard, '198.51.100.6', 4000, 50), zeros(50))
    assert.equal(send(guard, '198.51.100.6', 4000, 50, { atMs: 60_000 }), zeros(50))
    assert.deepEqual(target(guard), ADDRESS)
    assert.equal(guard.dropped, 150)
  })

  describe('with a NAT that signalling shows', () => {
    it('its host has to send in sequence for 200 ms, then is heard and sent to', () => {
      const guard = behindNat()
      assert.equal(send(guard, NAT, 51_234, 14, { from: 65_530 }), '00000000001111')
      assert.deepEqual(guard.target, { host: NAT, port: 51_234 })
      assert.equal(guard.dropped, 10)
      assert.equal(send(behindNat(), NAT, 51_234, 5, { everyMs: 100 }), '00011', 'four packets at least')
    })

    it('no other host may, the one in SDP neither', () => {
      const guard = behindNat()
      assert.equal(send(guard, '198.51.100.6', 51_234, 50), zeros(50))
      assert.equal(send(guard, SDP.host, 51_234, 50), zeros(50))
    })

    it('gaps and another SSRC start the probation anew', () => {
      const guard = behindNat()
      assert.equal(send(guard, NAT, 51_234, 10), zeros(10))
      assert.equal(send(guard, NAT, 51_234, 10, { from: 20, atMs: 200 }), zeros(10))
      assert.equal(send(guard, NAT, 51_234, 10, { from: 30, atMs: 400, ssrc: 10 }), zeros(10))
      assert.deepEqual(target(guard), ADDRESS)
    })

    it('of two who try at once neither is heard, until one has been silent for a second', () => {
      const guard = behindNat()
      for (let n = 0; n < 100; n++) {
        assert.ok(!guard.admit(NAT, 51_234, SSRC, n, n * 20))
        assert.ok(!guard.admit(NAT, 666, 666, n, n * 20 + 10))
      }
      assert.deepEqual(target(guard), ADDRESS)
      const admitted = send(guard, NAT, 51_234, 60, { from: 100, atMs: 2000 })
      assert.match(admitted, /^0{49,50}1+$/)
    })

    it('yields to the address in SDP at once and for good, by RTP or RTCP', () => {
      for (const prove of [
        (guard: SourceGuard) => guard.admit(SDP.host, SDP.port, 1, 0, 400),
        (guard: SourceGuard) => guard.admitRtcp(SDP.host, SDP.rtcpPort, 1),
      ]) {
        const guard = behindNat()
        send(guard, NAT, 666, 12)
        assert.equal(guard.target.port, 666)
        assert.ok(prove(guard))
        assert.deepEqual(target(guard), ADDRESS)
        assert.equal(send(guard, NAT, 666, 500, { from: 12, atMs: 400 }), zeros(500))
      }
    })

    it('a NAT that forgot its binding is followed after a silence, only by the same stream', () => {
      const guard = behindNat()
      send(guard, NAT, 51_234, 12)
      assert.equal(send(guard, NAT, 51_999, 20, { from: 12, atMs: 1000 }), zeros(20), 'it was heard a moment ago')
      assert.equal(send(guard, NAT, 51_999, 20, { from: 12, atMs: 4000, ssrc: 666 }), zeros(20))
      assert.equal(send(guard, NAT, 51_999, 12, { from: 12, atMs: 6000 }), '000000000011')
      assert.equal(guard.target.port, 51_999)
    })

    it('may be shown after the address was', () => {
      const guard = strict()
      assert.equal(send(guard, NAT, 51_234, 20), zeros(20))
      guard.followNat([NAT])
      assert.equal(send(guard, NAT, 51_234, 12, { from: 20, atMs: 400 }), '000000000011')
    })
  })

  it('RTCP is heard from the port in SDP; from elsewhere only by the stream that stands in, and ours then goes there', () => {
    const direct = strict()
    assert.ok(direct.admitRtcp(SDP.host, 4001, 1))
    send(direct, SDP.host, SDP.port, 4)
    assert.ok(!direct.admitRtcp(SDP.host, 51_235, SSRC), 'a port that SDP does not name')
    assert.deepEqual(direct.rtcpTarget, { host: SDP.host, port: 4001 })
    const guard = behindNat()
    assert.ok(!guard.admitRtcp(NAT, 51_235, SSRC), 'nobody stands in yet')
    send(guard, NAT, 51_234, 12)
    assert.deepEqual(guard.rtcpTarget, { host: SDP.host, port: 4001 }, 'not heard yet')
    assert.ok(!guard.admitRtcp(NAT, 51_235, 666))
    assert.ok(!guard.admitRtcp('198.51.100.6', 51_235, SSRC))
    assert.ok(guard.admitRtcp(NAT, 51_235, SSRC))
    assert.deepEqual(guard.rtcpTarget, { host: NAT, port: 51_235 })
  })

  it('where the owner lets every host stand in, the first one that passes the probation is heard, until the address in SDP speaks', () => {
    const guard = new SourceGuard({ ...SDP, natHosts: 'any' })
    const passed = send(guard, '198.51.100.6', 7000, 30)
    assert.match(passed, /^0{10}0?1+$/)
    assert.deepEqual(target(guard), { host: '198.51.100.6', port: 7000 })
    assert.equal(send(guard, '198.51.100.99', 7000, 20, { atMs: 600 }), zeros(20), 'a second one is not heard')
    assert.equal(send(guard, SDP.host, SDP.port, 1, { atMs: 1200 }), '1')
    assert.equal(send(guard, '198.51.100.6', 7000, 20, { atMs: 1220, from: 30 }), zeros(20))
    assert.deepEqual(target(guard), ADDRESS)
  })

  it('counts packets that are not heard by their source', () => {
    const strangers = new Tally()
    const guard = new SourceGuard(SDP, strangers)
    send(guard, SDP.host, SDP.port, 5)
    send(guard, SDP.host, 51_234, 7)
    send(guard, '2001:db8::1', 4000, 3)
    assert.deepEqual(strangers.top(4), [
      { key: `${SDP.host}:51234`, count: 7 },
      { key: '[2001:db8::1]:4000', count: 3 },
    ])
  })
})
