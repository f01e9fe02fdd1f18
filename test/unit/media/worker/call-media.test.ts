import assert from 'node:assert/strict'
import type { Socket } from 'node:dgram'
import { EventEmitter } from 'node:events'
import type { EmitMediaEvent, MediaTrouble } from '../../../../src/media/protocol.js'
import { buildRtcp, ntpMiddle, parseRtcp } from '../../../../src/media/rtp/rtcp-packet.js'
import { writeRtpHeader } from '../../../../src/media/rtp/rtp-packet.js'
import { CallMedia } from '../../../../src/media/worker/call-media.js'
import { Pacer } from '../../../../src/media/worker/pacer.js'
import { PortPair } from '../../../../src/media/worker/port-pair.js'
import type { PortPool } from '../../../../src/media/worker/port-pool.js'
import { FakeClock } from '../../../support/fake-clock.js'
import { connectionTo } from '../../../support/media-pair.js'

const PEER = { host: '192.0.2.5', port: 4000, rtcpPort: 4001 }

/** A socket that only records what it should send. */
class FakeSocket extends EventEmitter {
  readonly sent: { bytes: Uint8Array; port: number; host: string }[] = []
  send(bytes: Uint8Array, ...rest: (number | string | (() => void) | undefined)[]): void {
    const [port, host] = rest.filter((arg) => arg !== undefined && typeof arg !== 'function').slice(-2)
    const end = typeof rest[2] === 'number' ? Number(rest[1]) : bytes.length
    this.sent.push({ bytes: bytes.slice(0, end), port: Number(port), host: String(host) })
    const done = rest.at(-1)
    if (typeof done === 'function') done()
  }
  unref(): void {}
  hear(bytes: Uint8Array, from: { host: string; port: number }): void {
    this.emit('message', bytes, { address: from.host, port: from.port })
  }
}

const pairOf = (rtp: FakeSocket, rtcp: FakeSocket, port: number) =>
  new PortPair({ rtp: rtp as unknown as Socket, rtcp: rtcp as unknown as Socket }, port)

/** RFC 3550 5.1 */
function headerOf(bytes: Uint8Array = new Uint8Array(12)) {
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  return { sequence: view.getUint16(2), timestamp: view.getUint32(4), ssrc: view.getUint32(8) }
}

function setUp() {
  const clock = new FakeClock()
  const [rtp, rtcp] = [new FakeSocket(), new FakeSocket()]
  const told: [name: string, data: unknown][] = []
  const failures: string[] = []
  let released = 0
  let onTell: (name: string) => void = () => undefined
  const call = new CallMedia(
    {
      clock,
      pacer: new Pacer({ clock }),
      ports: { release: () => void released++ } as unknown as PortPool,
      pair: pairOf(rtp, rtcp, 30_000),
      emit: ((name, data) => {
        told.push([name, data])
        onTell(name)
      }) as EmitMediaEvent,
      onFailed: (reason) => failures.push(reason),
    },
    {
      id: 'call',
      ssrc: 1,
      sequence: 0,
      timestamp: 0,
      rtcp: { intervalMs: 5000, newCname: () => 'cname', random: () => 0.5 },
    },
  )
  const connect = (changes: Parameters<typeof connectionTo>[1] = {}) =>
    call.connect({ id: 'call', ...connectionTo(PEER, changes) })
  const hear = (sequence: number, ssrc = 9) => {
    const packet = new Uint8Array(172).fill(0xd5)
    writeRtpHeader(packet, 8, false, sequence, sequence * 160, ssrc)
    rtp.hear(packet, PEER)
  }
  const names = () => told.map(([name]) => name)
  return {
    clock,
    rtp,
    rtcp,
    call,
    connect,
    hear,
    told,
    names,
    failures,
    released: () => released,
    onTellDo: (f: typeof onTell) => (onTell = f),
  }
}

describe('media of one call', () => {
  it('sends nothing before offer/answer is settled, then 50 packets a second to the peer', () => {
    const { clock, rtp, connect, call } = setUp()
    clock.advance(1000)
    assert.equal(rtp.sent.length, 0)
    connect()
    clock.advance(1000)
    assert.equal(rtp.sent.length, 50)
    assert.ok(rtp.sent.every(({ host, port }) => host === PEER.host && port === PEER.port))
    assert.equal(call.stats().packetsSent, 50)
  })

  it('a call that is not connected has no timer; a connected one has no buffers until a packet comes or goes', () => {
    const calls = Array.from({ length: 200 }, () => setUp())
    assert.ok(calls.every(({ clock }) => clock.pending === 0))
    const before = process.memoryUsage().arrayBuffers
    for (const { connect } of calls) connect()
    const connected = process.memoryUsage().arrayBuffers
    assert.ok(connected - before < 200 * 100, `${connected - before} octets`)
    for (const { hear } of calls) hear(1)
    const heard = process.memoryUsage().arrayBuffers
    assert.ok(heard - connected > 200 * 1000, `${heard - connected} octets`)
  })

  it('changes the packet length with a new connect, and takes the nearest one that it keeps', () => {
    const { clock, rtp, connect } = setUp()
    connect({ ptimeMs: 28 })
    clock.advance(600)
    assert.equal(rtp.sent.length, 20)
    assert.equal(rtp.sent[0]?.bytes.length, 12 + 240)
    connect({ ptimeMs: 20 })
    clock.advance(600)
    assert.equal(rtp.sent.length, 50)
  })

  it('an address of zeros is sent nothing', () => {
    const { clock, rtp, rtcp, connect } = setUp()
    connect({ remote: { ...PEER, host: '0.0.0.0' } })
    clock.advance(10_000)
    assert.deepEqual([rtp.sent.length, rtcp.sent.length], [0, 0])
  })

  it('refuses an address that is none', () => {
    const { connect } = setUp()
    assert.throws(() => connect({ remote: { ...PEER, host: 'example.com' } }), { code: 'BAD_ARGUMENT' })
  })

  it('RTCP goes out every 5 s, the first after half of that; a sender reports as a sender', () => {
    const { clock, rtcp, connect, hear } = setUp()
    connect()
    clock.advance(100)
    hear(1)
    clock.advance(20_000)
    const reports = rtcp.sent.map(({ bytes }) => parseRtcp(bytes)?.[0])
    // 5 s * (0.5 + 0.5) / (e - 1.5) = 4.1 s: RFC 3550 6.3.1 makes up for reconsideration.
    assert.equal(reports.length, 5)
    assert.ok(reports.every((r) => r?.type === 'sender-report' && r.blocks[0]?.ssrc === 9))
    assert.ok(rtcp.sent.every(({ port }) => port === PEER.rtcpPort))
    connect({ direction: 'recvonly' })
    clock.advance(9000)
    assert.equal(parseRtcp(rtcp.sent.at(-1)?.bytes ?? new Uint8Array())?.[0]?.type, 'receiver-report')
  })

  /** ITU-T G.107 by hand: R = 93.2 - Id - Ie,eff, with Id = 0.024 d + 0.11 (d - 177.3) beyond 177.3 ms, and Annex B's MOS of R. */
  const mosOf = (oneWayMs: number, loss = 0) => {
    const r = 93.2 - 0.024 * oneWayMs - 0.11 * Math.max(0, oneWayMs - 177.3) - (95 * loss) / (loss + 25.1)
    return Number((1 + 0.035 * r + 7e-6 * r * (r - 60) * (100 - r)).toFixed(2))
  }

  it('MOS counts half of the round trip, the jitter buffer and the packet: 3.94 at a round trip of 400 ms', () => {
    const { clock, rtcp, connect, call, hear } = setUp()
    connect()
    hear(1)
    while (rtcp.sent.length === 0) clock.advance(1)
    assert.equal(call.stats().rttMs, null)
    assert.equal(call.stats().mos, mosOf(40 + 20))
    const [report] = parseRtcp(rtcp.sent[0]?.bytes ?? new Uint8Array()) ?? []
    assert.ok(report?.type === 'sender-report')
    clock.advance(500)
    // The peer held it back for 100 ms of these 500; in units of 1/65536 s (RFC 3550 6.4.1).
    const times = { lastSr: ntpMiddle(report.sender), delaySinceLastSr: 6554 }
    const block = { ssrc: 1, fractionLost: 0, cumulativeLost: 0, extendedHighestSequence: 0, jitter: 0, ...times }
    rtcp.hear(buildRtcp({ ssrc: 9, cname: 'peer', blocks: [block], bye: false }), { ...PEER, port: PEER.rtcpPort })
    const { rttMs, mos } = call.stats()
    assert.ok(rttMs !== null && Math.abs(rttMs - 400) <= 1, `${rttMs} ms`)
    assert.equal(mos, 3.94)
    assert.equal(mos, mosOf(200 + 40 + 20))
  })

  it('MOS counts the loss of what was received', () => {
    const { clock, connect, call, hear } = setUp()
    connect()
    for (let n = 1; n <= 100; n++) {
      if (n % 10 !== 5) hear(n)
      clock.advance(20)
    }
    const { lossPercent, mos } = call.stats()
    assert.equal(lossPercent, 10)
    assert.equal(mos, mosOf(40 + 20, 10))
  })

  it('MOS counts what came and could not be decoded as lost', () => {
    const { clock, rtp, connect, call, hear } = setUp()
    connect()
    for (let n = 1; n <= 100; n++) {
      if (n % 10 !== 5) hear(n)
      else {
        const packet = new Uint8Array(12 + 60)
        writeRtpHeader(packet, 111, false, n, n * 160, 9)
        rtp.hear(packet, PEER)
      }
      clock.advance(20)
    }
    const { lossPercent, undecodedPackets, mos } = call.stats()
    assert.deepEqual([lossPercent, undecodedPackets], [0, 10])
    assert.equal(mos, mosOf(40 + 20, 10))
  })

  it('MOS counts what came too many at once to be played as lost', () => {
    const { clock, connect, call, hear } = setUp()
    connect()
    for (let n = 1; n <= 200; n++) {
      if (n % 20 === 0) for (let i = n - 19; i <= n; i++) hear(i)
      clock.advance(20)
    }
    const { packetsReceived, packetsLost, discardedPackets, mos } = call.stats()
    assert.deepEqual([packetsReceived, packetsLost], [200, 0])
    assert.ok(discardedPackets > 50, `${discardedPackets} discarded`)
    assert.ok((mos ?? 5) < 3, `MOS ${mos}`)
  })

  it('the peer’s silence is told once, at its time, only where something is expected', () => {
    const { clock, connect, hear, told, names } = setUp()
    connect({ timeoutMs: 20_000 })
    clock.advance(19_900)
    assert.deepEqual(names(), [])
    clock.advance(60_000)
    assert.deepEqual(names(), ['timeout'])
    const [, data] = told[0] ?? []
    const { silentMs } = data as { silentMs: number }
    assert.ok(silentMs >= 20_000 && silentMs < 20_040, `${silentMs} ms`)
    hear(1)
    clock.advance(20_100)
    assert.deepEqual(names(), ['timeout', 'started', 'timeout'])
    connect({ timeoutMs: 20_000, direction: 'sendonly' })
    clock.advance(60_000)
    connect({ timeoutMs: 0 })
    clock.advance(60_000)
    assert.equal(names().length, 3)
  })

  it('time in which this thread stood still does not count as silence of the peer', () => {
    const { clock, connect, names } = setUp()
    connect({ timeoutMs: 20_000 })
    clock.advance(10_000)
    clock.stall(40_000)
    clock.advance(9_000)
    assert.deepEqual(names(), [])
    clock.advance(2_000)
    assert.deepEqual(names(), ['timeout'])
  })

  it('sound from a port that was not named is told once, with where it comes from', () => {
    const { clock, rtp, connect, told, call } = setUp()
    connect()
    for (let n = 0; n < 100; n++) {
      const packet = new Uint8Array(172)
      writeRtpHeader(packet, 8, false, n, n * 160, 9)
      rtp.hear(packet, { host: PEER.host, port: 51_234 })
    }
    clock.advance(20_000)
    const text = `sound comes from ${PEER.host}:51234, which the peer did not name, and is not heard; the account's "audio from" decides`
    const strangerSources = [{ address: `${PEER.host}:51234`, packets: 100 }]
    assert.deepEqual(told, [
      ['trouble', { id: 'call', trouble: { reason: 'other-source', text, undecoded: [], strangerSources } }],
    ])
    const { heard, strangerPackets, mos } = call.stats()
    assert.deepEqual(
      [heard, strangerPackets, mos, call.stats().strangerSources],
      ['other-source', 100, null, strangerSources],
    )
  })

  it('packets of which none can be decoded are told once, and give no MOS', () => {
    const { clock, rtp, connect, told, call } = setUp()
    connect()
    for (let n = 0; n < 150; n++) {
      const packet = new Uint8Array(12 + 60)
      writeRtpHeader(packet, 111, false, n, n * 960, 9)
      rtp.hear(packet, PEER)
      clock.advance(20)
    }
    const [, { trouble }] = told.find(([name]) => name === 'trouble') as [string, { trouble: MediaTrouble }]
    assert.equal(trouble.reason, 'undecodable')
    assert.match(trouble.text, /payload type 111, 60 octets.*PCMA, payload type 8/)
    assert.equal(told.filter(([name]) => name === 'trouble').length, 1)
    const { heard, undecodedPackets, undecoded, packetsReceived, mos, levelDbfs } = call.stats()
    assert.deepEqual([heard, undecodedPackets, packetsReceived, mos, levelDbfs], ['undecodable', 150, 150, null, null])
    assert.deepEqual(undecoded, [{ payloadType: 111, octets: 60, packets: 150 }])
  })

  it('a few keep-alives of an unknown payload type (RFC 6263 4.6), or sound between them, do not count as media trouble', () => {
    const { clock, rtp, connect, names, hear } = setUp()
    connect()
    const strange = (n: number) => {
      const packet = new Uint8Array(16)
      writeRtpHeader(packet, 111, false, n, n * 160, 9)
      rtp.hear(packet, PEER)
    }
    for (let n = 0; n < 10; n++) {
      strange(n)
      clock.advance(500)
    }
    for (let n = 10; n < 200; n++) {
      if (n % 3 === 0) hear(n)
      else strange(n)
      clock.advance(20)
    }
    assert.deepEqual(names(), ['started'])
  })

  for (const [what, octets] of [
    ['sound', [0x2a, 0xaa]],
    ['silence', [0xd5, 0x55]],
  ] as const) {
    it(`what was heard: ${what}`, () => {
      const { clock, rtp, connect, call } = setUp()
      connect()
      for (let n = 0; n < 20; n++) {
        const packet = Uint8Array.from({ length: 172 }, (_, i) => octets[i % 2] ?? 0)
        writeRtpHeader(packet, 8, false, n, n * 160, 9)
        rtp.hear(packet, PEER)
        clock.advance(20)
      }
      assert.equal(call.stats().heard, what)
      assert.ok((call.stats().mos ?? 0) > 4)
    })
  }

  for (const [direction, heard] of [
    ['sendrecv', 'nothing'],
    ['recvonly', 'nothing'],
    ['sendonly', 'not-owed'],
    ['inactive', 'not-owed'],
  ] as const) {
    it(`what was heard of a peer that sends no packet, ${direction} as we see it: ${heard}`, () => {
      const { clock, connect, call } = setUp()
      assert.equal(call.stats().heard, 'not-owed', 'before anything is negotiated')
      connect({ direction })
      clock.advance(5000)
      assert.equal(call.stats().heard, heard)
      connect({ direction: 'inactive' })
      assert.equal(call.stats().heard, heard, 'on hold later')
    })
  }

  it('an exception in a step or a packet is contained and told as the call’s failure', () => {
    const { clock, connect, hear, failures, onTellDo } = setUp()
    connect({ timeoutMs: 1000 })
    onTellDo((name) => {
      throw new Error(`in ${name}`)
    })
    hear(1)
    assert.equal(failures.length, 1)
    assert.match(failures[0] ?? '', /in started/)
    clock.advance(1100)
    assert.equal(failures.length, 2)
    assert.match(failures[1] ?? '', /in timeout/)
  })

  it('a socket that fails is told', () => {
    const { rtp, failures } = setUp()
    rtp.emit('error', new Error('EBADF'))
    assert.deepEqual(failures, ['socket: EBADF'])
  })

  it('close says goodbye, releases the ports once, stops all timers and gives the last figures', async () => {
    const { clock, rtp, rtcp, connect, call, released } = setUp()
    connect()
    clock.advance(100)
    const [first, second] = await Promise.all([call.close(), call.close()])
    assert.equal(first, second)
    assert.equal(first.packetsSent, 5)
    assert.deepEqual(parseRtcp(rtcp.sent[0]?.bytes ?? new Uint8Array())?.at(-1), { type: 'bye', ssrcs: [1] })
    assert.equal(released(), 1)
    clock.advance(1000)
    assert.equal(rtp.sent.length, 5)
    assert.equal(clock.pending, 0)
  })

  it('a call that never sent says no goodbye (RFC 3550 6.3.7)', async () => {
    const { rtcp, call } = setUp()
    await call.close()
    assert.equal(rtcp.sent.length, 0)
  })

  it('moves to other ports: the stream goes on, nobody else is heard there, the old ports say nothing more', async () => {
    const { clock, rtp, rtcp, connect, call, hear, released, failures } = setUp()
    connect()
    hear(1)
    clock.advance(100)
    const [toRtp, toRtcp] = [new FakeSocket(), new FakeSocket()]
    call.moveTo(pairOf(toRtp, toRtcp, 40_000))
    assert.equal(released(), 1)
    const [sent, sentRtcp] = [rtp.sent.length, rtcp.sent.length]
    clock.advance(3000)
    assert.deepEqual([rtp.sent.length, rtcp.sent.length], [sent, sentRtcp])
    assert.ok(toRtcp.sent.length > 0)
    const [last, first] = [rtp.sent.at(-1), toRtp.sent[0]].map((packet) => headerOf(packet?.bytes))
    assert.deepEqual(first, { ...last, sequence: (last?.sequence ?? 0) + 1, timestamp: (last?.timestamp ?? 0) + 160 })

    const packet = new Uint8Array(172)
    writeRtpHeader(packet, 8, false, 2, 320, 9)
    toRtp.hear(packet, { ...PEER, port: PEER.port + 2 })
    toRtp.hear(packet, { ...PEER, host: '192.0.2.66' })
    assert.deepEqual([call.stats().packetsReceived, call.stats().strangerPackets], [1, 2])
    toRtp.hear(packet, PEER)
    assert.equal(call.stats().packetsReceived, 2)
    rtp.emit('error', new Error('EINVAL'))
    assert.deepEqual(failures, [])
    await call.close()
    assert.equal(released(), 2)
  })

  it('the silence until it has moved is not the peer’s', async () => {
    const { clock, connect, call, hear, names } = setUp()
    connect({ timeoutMs: 600 })
    hear(1)
    clock.advance(500)
    call.moveTo(pairOf(new FakeSocket(), new FakeSocket(), 40_000))
    clock.advance(500)
    assert.deepEqual(names(), ['started'])
    clock.advance(200)
    assert.deepEqual(names(), ['started', 'timeout'])
  })

  it('a move that comes after the end releases its ports', async () => {
    const { call, released } = setUp()
    await call.close()
    const pair = pairOf(new FakeSocket(), new FakeSocket(), 40_000)
    assert.throws(() => call.moveTo(pair), { code: 'CLOSED' })
    assert.equal(released(), 2)
  })
})
