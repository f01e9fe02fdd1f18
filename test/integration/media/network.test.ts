import assert from 'node:assert/strict'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { MediaService, MediaSession } from '../../../src/media/client.js'
import { PCMA } from '../../../src/media/codec/g711.js'
import type { MediaStats } from '../../../src/media/protocol.js'
import { meanOpinionScore } from '../../../src/media/rtp/quality.js'
import { buildRtcp } from '../../../src/media/rtp/rtcp-packet.js'
import { emptyRtpView, parseRtp, writeRtpHeader } from '../../../src/media/rtp/rtp-packet.js'
import { measureTone, readWav, rmsDbfs, sine } from '../../support/audio.js'
import { connectionTo, connectWith, digits, mediaPair, nextEvent, strangePair } from '../../support/media-pair.js'
import { seeded, UdpRelay } from '../../support/udp-relay.js'

const WAIT_MS = 15_000

/** Polls until the figures match; gives up after a while and says what they were then. */
async function statsWhere(
  session: MediaSession,
  wanted: (stats: MediaStats) => boolean,
  what = String(wanted),
): Promise<MediaStats> {
  const endsAt = Date.now() + WAIT_MS
  for (;;) {
    const stats = await session.stats()
    if (wanted(stats)) return stats
    assert.ok(Date.now() < endsAt, `waited for ${what}, which did not come: ${JSON.stringify(stats)}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function socketOnLoopback(host = '127.0.0.1'): Promise<Socket> {
  const socket = createSocket('udp4')
  const listening = once(socket, 'listening')
  socket.bind(0, host)
  await listening
  return socket
}

function rtp(type: number, sequence: number, timestamp: number, ssrc: number, payload: ArrayLike<number>): Uint8Array {
  const bytes = new Uint8Array(12 + payload.length)
  writeRtpHeader(bytes, type, false, sequence & 0xffff, timestamp >>> 0, ssrc)
  bytes.set(payload, 12)
  return bytes
}

/** RFC 8489 5: type, length, magic cookie, transaction id. */
const STUN_BINDING_REQUEST = Buffer.from('000100002112a442000102030405060708090a0b', 'hex')

describe('media: the network', () => {
  let service: MediaService
  let a: MediaSession
  let b: MediaSession
  let started: { a: Promise<unknown>; b: Promise<unknown> }
  const closers: (() => unknown)[] = []

  async function setUp(rtcpIntervalMs = 5000): Promise<void> {
    ;({ service, a, b, started } = await mediaPair({ rtcpIntervalMs }))
  }

  /** Waits until both sides are silent, so that the measurement starts clean. */
  async function setUpStrangers(rtcpIntervalMs = 5000): Promise<void> {
    ;({ service, a, b } = await strangePair({ rtcpIntervalMs }))
  }

  afterEach(async () => {
    await service.close()
    for (const close of closers.splice(0)) await close()
  })

  /** A relay between both. `b` knows its side before `a` sends, so every relayed packet is heard. */
  async function relayBetween(lose: () => boolean, delayMs: () => number = () => 0, rtcpDelayMs = 0) {
    const fate = () => ({ copies: lose() ? 0 : 1, delayMs: delayMs() })
    const rtp = await UdpRelay.open(a.local, b.local, fate)
    const rtcp = await UdpRelay.open(
      { host: a.local.host, port: a.local.rtcpPort },
      { host: b.local.host, port: b.local.rtcpPort },
      () => ({ copies: 1, delayMs: rtcpDelayMs }),
    )
    closers.push(
      () => rtp.close(),
      () => rtcp.close(),
    )
    const places = {
      a: { host: '127.0.0.1', port: rtp.portForA, rtcpPort: rtcp.portForA },
      b: { host: '127.0.0.1', port: rtp.portForB, rtcpPort: rtcp.portForB },
    }
    await connectWith(b, connectionTo(places.b))
    await connectWith(a, connectionTo(places.a))
    return { rtp, places }
  }

  it('RTCP tells each side the round trip, which costs quality, and that nothing was lost', async () => {
    await setUpStrangers(200)
    await relayBetween(
      () => false,
      () => 0,
      200,
    )
    for (const session of [a, b]) {
      const { rttMs, mos, ...stats } = await statsWhere(
        session,
        (s) => s.rttMs !== null && s.remoteLossPercent !== null && s.packetsReceived > 20,
        'a round trip by RTCP',
      )
      assert.ok(rttMs !== null && rttMs >= 395 && mos !== null, `${rttMs} ms`)
      assert.deepEqual([stats.remoteLossPercent, stats.packetsLost, stats.strangerPackets], [0, 0, 0])
      assert.ok(stats.levelDbfs !== null && stats.levelDbfs < -60)
      // Half of the round trip, 20 ms in a packet, and a jitter buffer of 40 to 200 ms (ITU-T G.107).
      const at = (bufferMs: number) => meanOpinionScore({ lossPercent: 0, oneWayDelayMs: rttMs / 2 + 20 + bufferMs })
      assert.ok(mos <= at(40) + 0.01 && mos >= at(200) - 0.01, `MOS ${mos} at a round trip of ${rttMs} ms`)
    }
  })

  it('lost packets are counted as the relay counts them, on both sides', async () => {
    await setUpStrangers(150)
    const random = seeded(5)
    const { rtp: relay, places } = await relayBetween(() => random() < 0.2)
    await statsWhere(b, (s) => s.packetsReceived >= 100)
    // From now on only RTCP goes on: what both sides count stands still.
    await connectWith(a, connectionTo(places.a, { direction: 'recvonly' }))
    const { packetsSent } = await a.stats()
    const stats = await statsWhere(b, (s) => s.packetsReceived === relay.passed.a && relay.taken.a === packetsSent)
    const lost = relay.taken.a - relay.passed.a
    // Losses before the first or after the last received packet cannot be detected.
    assert.ok(Math.abs(stats.packetsLost - lost) <= 3, `${stats.packetsLost} of ${lost}`)
    const expected = stats.packetsReceived + stats.packetsLost
    assert.equal(stats.lossPercent, Math.round((stats.packetsLost / expected) * 10_000) / 100)
    const toldPercent = Math.round((stats.packetsLost / packetsSent) * 10_000) / 100
    await statsWhere(a, (s) => s.remoteLossPercent === toldPercent, `${toldPercent} % lost, as the peer counts`)
    // A fifth of the packets costs G.711 with concealment some 42 of 93 points (ITU-T G.113): 2.6, give or take the delay.
    assert.ok(stats.mos !== null && stats.mos > 2 && stats.mos < 3.2, `MOS ${stats.mos}`)
    assert.ok(stats.concealedFrames > 0)
  })

  it('digits survive the loss of a fifth of all packets', async () => {
    await setUp()
    const random = seeded(3)
    await relayBetween(() => random() < 0.2)
    const wanted = '1234567890*#ABCD'
    const [heard] = await Promise.all([digits(b, wanted.length), a.sendDigits(wanted, { toneMs: 80, gapMs: 60 })])
    assert.equal(heard, wanted)
  })

  it('a tone over a network with 30 ms of jitter is whole', async () => {
    await setUp()
    const random = seeded(9)
    await relayBetween(
      () => false,
      () => random() * 30,
    )
    const path = join(mkdtempSync(join(tmpdir(), 'ringflow-')), 'b.wav')
    const recording = await b.record(path)
    await a.play({ kind: 'tone', hz: [1000], durationMs: 2000, levelDbfs: -13 }).ended
    await recording.stop()
    const { share } = measureTone(path, 1000)
    assert.ok(share >= 0.95, `share ${share}`)
    assert.ok((await b.stats()).maxJitterMs > 3)
  })

  it('a stranger is neither heard nor answered, and is counted', async () => {
    await setUp(200)
    await started.b
    const stranger = await socketOnLoopback()
    closers.push(() => stranger.close())
    let answered = 0
    stranger.on('message', () => answered++)
    b.on('digit', () => assert.fail('a digit of a stranger'))
    const packet = new Uint8Array(16)
    for (let n = 0; n < 50; n++) {
      writeRtpHeader(packet, 101, false, n, 1000, 666)
      packet.set([5, 0x8a, 0, 160], 12)
      stranger.send(Buffer.from(packet), b.local.port, b.local.host)
      stranger.send(buildRtcp({ ssrc: 666, cname: 'x', blocks: [], bye: true }), b.local.rtcpPort, b.local.host)
    }
    const stats = await statsWhere(b, (s) => s.strangerPackets >= 100)
    assert.equal(stats.strangerPackets, 100)
    const before = stats.packetsReceived
    await statsWhere(b, (s) => s.packetsReceived > before + 10)
    assert.equal(answered, 0)
  })

  it('forgers hear nothing and are not heard: before the peer’s first packet, during the call, in its silences', async () => {
    await setUpStrangers(200)
    await b.close()
    const peer = await socketOnLoopback()
    const forgers = [await socketOnLoopback(), await socketOnLoopback('127.0.0.2')]
    closers.push(...[peer, ...forgers].map((socket) => () => socket.close()))
    let answers = 0
    for (const forger of forgers) forger.on('message', () => answers++)
    a.on('digit', () => assert.fail('a digit of a forger'))
    const { port } = peer.address()
    await connectWith(a, connectionTo({ host: '127.0.0.1', port, rtcpPort: port }))
    const path = join(mkdtempSync(join(tmpdir(), 'ringflow-')), 'a.wav')
    const recording = await a.record(path)
    const tone = Uint8Array.from(sine(1000, 20), (v) => PCMA.toCoded[v & 0xffff] ?? 0)
    let forged = 0
    /** Each forger sends a loud tone, a digit, RTCP and a STUN request repeatedly, in sequence and at the pace of a call. */
    const forge = async (packets: number) => {
      for (let n = 0; n < packets; n++, forged++) {
        for (const [i, forger] of forgers.entries()) {
          const ssrc = 666 + i
          forger.send(rtp(8, forged, forged * 160, ssrc, tone), a.local.port, '127.0.0.1')
          forger.send(rtp(101, forged, 1000, ssrc, [5, 0x8a, 0, 160]), a.local.port, '127.0.0.1')
          forger.send(buildRtcp({ ssrc, cname: 'x', blocks: [], bye: true }), a.local.rtcpPort, '127.0.0.1')
          forger.send(STUN_BINDING_REQUEST, a.local.port, '127.0.0.1')
        }
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    }
    await forge(60)
    for (let n = 0; n < 5; n++) peer.send(rtp(8, n, n * 160, 9, new Uint8Array(160).fill(0xd5)), a.local.port)
    await forge(30)
    assert.equal((await a.stats()).packetsReceived, 5)
    await forge(60)
    const stats = await statsWhere(a, (s) => s.strangerPackets >= forged * 6)
    await recording.stop()
    const level = rmsDbfs(readWav(path).channels[0] ?? new Int16Array())
    console.log(
      `      ${forged * 8} forged packets: ${stats.packetsReceived - 5} heard, ${answers} answered (promise 0, 0), recorded at ${level.toFixed(0)} dBFS`,
    )
    assert.deepEqual([answers, stats.packetsReceived], [0, 5])
    assert.ok(level < -60)
  })

  it('a peer behind a NAT that signalling shows is heard from its port, and sent to there', async () => {
    await setUpStrangers(200)
    await b.close()
    const [silent, peer, peerRtcp] = [await socketOnLoopback(), await socketOnLoopback(), await socketOnLoopback()]
    closers.push(...[silent, peer, peerRtcp].map((socket) => () => socket.close()))
    const { port } = silent.address()
    const remote = { host: '127.0.0.1', port, rtcpPort: port }
    await connectWith(a, connectionTo(remote, { natHosts: ['127.0.0.1'] }))
    const heard = [once(peer, 'message'), once(peerRtcp, 'message')]
    let n = 0
    const timer = setInterval(() => {
      peer.send(rtp(8, n, n++ * 160, 9, new Uint8Array(160).fill(0xd5)), a.local.port)
      if (n % 5 === 0) peerRtcp.send(buildRtcp({ ssrc: 9, cname: 'x', blocks: [], bye: false }), a.local.rtcpPort)
    }, 20)
    closers.push(() => clearInterval(timer))
    await Promise.all(heard)
    assert.ok((await statsWhere(a, (s) => s.packetsReceived >= 5)).packetsReceived >= 5)
  })

  it('garbage from the peer itself does no harm', async () => {
    await setUp()
    await started.b
    const random = seeded(1)
    const socket = await socketOnLoopback()
    closers.push(() => socket.close())
    const { port } = socket.address()
    await connectWith(b, connectionTo({ host: '127.0.0.1', port, rtcpPort: port }))
    for (let n = 0; n < 2000; n++) {
      const bytes = Uint8Array.from({ length: Math.floor(random() * 300) }, () => random() * 256)
      if (n % 2 === 0) bytes.set([0x80, 8].slice(0, bytes.length))
      socket.send(bytes, n % 3 === 0 ? b.local.rtcpPort : b.local.port, b.local.host)
    }
    assert.ok((await statsWhere(b, (s) => s.packetsSent > 20)).packetsSent > 20)
  })

  it('goodbye is said by RTCP when the call ends', async () => {
    await setUp()
    const peer = await socketOnLoopback()
    closers.push(() => peer.close())
    const { port } = peer.address()
    await connectWith(a, connectionTo({ host: '127.0.0.1', port: b.local.port, rtcpPort: port }))
    await statsWhere(a, (s) => s.packetsSent > 0)
    const heard = once(peer, 'message')
    await a.close()
    const [bytes] = (await heard) as [Buffer]
    const last = bytes.subarray(-8)
    assert.deepEqual([last[0], last[1]], [0x81, 203])
  })

  it('a direction that forbids sending stops RTP at once and lets RTCP go on', async () => {
    await setUp(150)
    await b.close()
    const [rtp, rtcp] = [await socketOnLoopback(), await socketOnLoopback()]
    closers.push(
      () => rtp.close(),
      () => rtcp.close(),
    )
    const remote = { host: '127.0.0.1', port: rtp.address().port, rtcpPort: rtcp.address().port }
    for (const direction of ['recvonly', 'inactive'] as const) {
      await connectWith(a, connectionTo(remote, { direction: 'sendrecv' }))
      await once(rtp, 'message')
      await connectWith(a, connectionTo(remote, { direction }))
      const { packetsSent } = await a.stats()
      await once(rtcp, 'message')
      await once(rtcp, 'message')
      assert.equal((await a.stats()).packetsSent, packetsSent, direction)
    }
  })

  it('packets carry the payload types that the peer asked for, and ours are heard', async () => {
    await setUp()
    await b.close()
    const peer = await socketOnLoopback()
    closers.push(() => peer.close())
    const { port } = peer.address()
    await connectWith(
      a,
      connectionTo({ host: '127.0.0.1', port, rtcpPort: port }, { telephoneEvent: { send: 96, receive: 101 } }),
    )
    const types = new Set<number>()
    peer.on('message', (bytes) => {
      const view = emptyRtpView()
      if (parseRtp(bytes, view)) types.add(view.payloadType)
    })
    assert.equal(await a.sendDigits('1'), 'finished')
    while (!types.has(8)) await once(peer, 'message')
    const packet = new Uint8Array(16)
    const heard = digits(a, 2)
    for (const [n, type] of [101, 96].entries()) {
      writeRtpHeader(packet, type, true, n, n * 4000, 5)
      packet.set([7, 0x8a, 5, 0], 12)
      peer.send(Buffer.from(packet), a.local.port, a.local.host)
    }
    assert.equal(await heard, '77')
    assert.deepEqual([...types].sort(), [8, 96])
  })

  it('silence of the peer is told once, and again after it was heard', async () => {
    await setUp()
    await b.close()
    const peer = await socketOnLoopback()
    closers.push(() => peer.close())
    const { port } = peer.address()
    const remote = { host: '127.0.0.1', port, rtcpPort: port }
    let told = 0
    a.on('timeout', (silentMs) => {
      assert.ok(silentMs >= 100)
      told++
    })
    const first = nextEvent(a, 'timeout')
    await connectWith(a, connectionTo(remote, { timeoutMs: 100 }))
    await first
    const packet = new Uint8Array(172)
    writeRtpHeader(packet, 8, true, 1, 0, 5)
    const second = nextEvent(a, 'timeout')
    peer.send(packet, a.local.port, a.local.host)
    await second
    assert.equal(told, 2)
    await connectWith(a, connectionTo(remote, { timeoutMs: 100, direction: 'sendonly' }))
    const { packetsSent } = await a.stats()
    await statsWhere(a, (s) => s.packetsSent > packetsSent + 15)
    assert.equal(told, 2, 'nothing is expected while we only send')
  })
})
