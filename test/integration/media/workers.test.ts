import assert from 'node:assert/strict'
import { mkdtempSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { silentLogger } from '../../../src/base/logger.js'
import { type MediaServiceInit, type MediaSession, startMediaService } from '../../../src/media/client.js'
import type { StartThread } from '../../../src/media/rpc-worker.js'
import { connect, LOOPBACK_PORTS, nextEvent } from '../../support/media-pair.js'
import { until } from '../../support/wait.js'

const tone = (durationMs = 60_000) => ({ kind: 'tone' as const, hz: [1000], durationMs, levelDbfs: -13 })

/** A service whose threads can be ended by the test. */
function start(init: MediaServiceInit, range: Partial<typeof LOOPBACK_PORTS> = {}) {
  const media: Worker[] = []
  const assets: Worker[] = []
  const startThread: StartThread = (entry, options) => {
    const thread = new Worker(entry, options)
    const kind = entry.href.includes('asset') ? assets : media
    kind.push(thread)
    return thread
  }
  const service = startMediaService({ log: silentLogger, startThread }, init)
  const open = (id: string): Promise<MediaSession> => service.open({ id, ...LOOPBACK_PORTS, ...range })
  return { service, media, assets, open }
}

describe('media workers', () => {
  const closers: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const close of closers.splice(0)) await close()
  })

  function setUp(...init: Parameters<typeof start>) {
    const world = start(...init)
    closers.push(() => world.service.close())
    return world
  }

  it('one more starts when all that run are loaded, up to the limit; calls go to the least loaded', async () => {
    const { service, media, open } = setUp({ workers: 3, callsPerWorker: 2 })
    const sessions: MediaSession[] = []
    const threads: number[] = []
    for (let n = 0; n < 8; n++) {
      sessions.push(await open(`${n}`))
      threads.push(media.length)
    }
    assert.deepEqual(threads, [1, 1, 2, 2, 3, 3, 3, 3])
    const calls = async () => (await service.load()).map((load) => load.calls)
    assert.deepEqual((await calls()).sort(), [2, 3, 3])
    const before = await calls()
    await sessions[0]?.close()
    await open('8')
    assert.deepEqual(await calls(), before, 'the place that was left is taken')
    assert.equal(media.length, 3)
  })

  /** The states that a call's media can be in when its worker dies. */
  const STATES: Record<string, (call: MediaSession, peer: MediaSession, folder: string) => Promise<unknown>> = {
    'opened, not connected': async () => undefined,
    connected: (call, peer) => connect(call, peer),
    playing: async (call, peer) => {
      await connect(call, peer)
      const { ended } = call.play(tone())
      await nextEvent(peer, 'started')
      return async () => assert.equal((await ended).ended, 'failed')
    },
    recording: async (call, peer, folder) => {
      await connect(call, peer)
      const { ended } = await call.record(join(folder, 'a.wav'))
      return async () => assert.equal((await ended).ended, 'hangup')
    },
    'sending digits': async (call, peer) => {
      await connect(call, peer)
      const sent = call.sendDigits('123456789')
      await nextEvent(peer, 'digit')
      return async () => assert.equal(await sent, 'hangup')
    },
    closing: async (call, peer) => {
      await connect(call, peer)
      const closed = call.close()
      return async () => assert.ok((await closed) === null || typeof (await closed) === 'object')
    },
  }

  for (const [state, bring] of Object.entries(STATES)) {
    it(`that dies under a call that is ${state} ends that call only, and the next call has another`, async () => {
      const { media, open } = setUp({ workers: 2, callsPerWorker: 1 })
      const [call, peer] = [await open('call'), await open('peer')]
      peer.on('failed', () => assert.fail('the peer’s worker lives'))
      await connect(peer, call)
      let failures = 0
      call.on('failed', () => failures++)
      const check = await bring(call, peer, mkdtempSync(join(tmpdir(), 'ringflow-workers-')))
      const failed = state === 'closing' ? call.close() : nextEvent(call, 'failed')
      await media[0]?.terminate()
      await failed
      if (typeof check === 'function') await check()
      assert.equal(failures, state === 'closing' ? 0 : 1)
      if (state !== 'closing') assert.equal(await call.close(), null)
      const { packetsSent } = await peer.stats()
      const next = await open('call')
      assert.equal(media.length, 3)
      const heard = nextEvent(next, 'started')
      await connect(next, peer)
      await connect(peer, next)
      await heard
      assert.ok((await peer.stats()).packetsSent > packetsSent)
    })
  }

  it('that dies while a call is being opened: another one takes the call', async () => {
    const { media, open } = setUp({ workers: 1 })
    const opening = open('call')
    await media[0]?.terminate()
    assert.equal((await opening).id, 'call')
    assert.equal(media.length, 2)
  })

  it('lease ports ahead: a call opens media without awaiting its worker', async () => {
    const { open } = setUp({ workers: 1 })
    await open('first')
    let n = 0
    await until(async () => {
      let opened = false
      const opening = open(`${n++}`).then((session) => {
        opened = true
        return session
      })
      // No message of the worker is received in between.
      for (let turn = 0; turn < 20; turn++) await Promise.resolve()
      const ahead = opened
      const session = await opening
      assert.ok(await session.close())
      return ahead
    }, 'leased ports')
  })

  it('share the ports of a range: each pair serves one call, NO_PORTS comes when all are used, and a worker that dies leaves its pairs to the others', async () => {
    const { media, open } = setUp({ workers: 2, callsPerWorker: 1 }, { portMin: 38_600, portMax: 38_631 })
    const calls: MediaSession[] = []
    for (let n = 0; n < 16; n++) calls.push(await open(`first ${n}`))
    assert.equal(media.length, 2)
    assert.equal(new Set(calls.map(({ local }) => local.port)).size, 16)
    await assert.rejects(open('one too many'), { code: 'NO_PORTS' })
    // All calls of one worker end; their pairs stay bound.
    for (const call of calls.filter((_, n) => n % 2 === 0)) await call.close()
    const next: MediaSession[] = []
    for (let n = 0; n < 8; n++) next.push(await open(`next ${n}`))
    await media[0]?.terminate()
    for (let n = 0; n < 8; n++) next.push(await open(`last ${n}`))
    await assert.rejects(open('again one too many'), { code: 'NO_PORTS' })
  })

  it('an exception in one call’s step ends that call only', async () => {
    const { service, media, open } = setUp({ workers: 1 })
    const [call, peer] = [await open('call'), await open('peer')]
    const failed = nextEvent(call, 'failed')
    const heard = nextEvent(peer, 'started')
    await connect(call, peer)
    await connect(peer, call)
    await heard
    const folder = mkdtempSync(join(tmpdir(), 'ringflow-worker-'))
    const { ended } = await call.record(join(folder, 'a.wav'))
    const playback = call.play(tone())
    // Offer and answer never let this port through, so the socket throws in the middle of a step.
    const remote = { host: '127.0.0.1', port: 70_000, rtcpPort: 70_001 }
    call.connect({ remote, codec: 'PCMA', payloadType: 8, direction: 'sendrecv', ptimeMs: 20, timeoutMs: 0 })
    assert.match((await failed)[0], /port/i)
    assert.equal((await playback.ended).ended, 'failed')
    const { truncated, octets } = await ended
    assert.deepEqual([truncated, octets], [undefined, statSync(join(folder, 'a.wav')).size], 'closed as it should be')
    const { port } = call.local
    const again = await service.open({ ...LOOPBACK_PORTS, id: 'again', portMin: port, portMax: port + 1 })
    assert.equal(again.local.port, port, 'its ports are free')
    const { packetsSent } = await peer.stats()
    await peer.sendDigits('1')
    assert.ok((await peer.stats()).packetsSent > packetsSent)
    assert.equal(media.length, 1)
  })

  it('a call that the worker cannot connect fails', async () => {
    const { open } = setUp({ workers: 1 })
    const call = await open('call')
    const failed = nextEvent(call, 'failed')
    // Plain data, but nothing that a socket can be told.
    call.connect({} as unknown as Parameters<typeof call.connect>[0])
    assert.notEqual((await failed)[0], '')
  })

  it('an asset worker that dies fails what it was making, and the next prompt has another', async () => {
    const { assets, open } = setUp({ workers: 1 })
    const [call, peer] = [await open('call'), await open('peer')]
    await connect(call, peer)
    await connect(peer, call)
    const { ended } = call.play(tone(600_000))
    await assets[0]?.terminate()
    await assert.rejects(ended, { code: 'MEDIA_WORKER_DIED' })
    assert.deepEqual(await call.play(tone(100)).ended, { ended: 'finished', playedMs: 100 })
    assert.equal(assets.length, 2)
  })

  it('a prompt is made once for any number of calls', async () => {
    const { service, open } = setUp({ workers: 1 })
    const calls = await Promise.all(Array.from({ length: 40 }, (_, n) => open(`${n}`)))
    for (const [n, call] of calls.entries()) await connect(call, calls[n ^ 1] ?? call)
    const before = process.memoryUsage().rss
    const source = tone(600_000)
    for (const call of calls) call.play(source, { repeat: 0 })
    let figures = await service.prompts()
    while (figures.requests < 40 || figures.prompts === 0) figures = await service.prompts()
    const { octets, prompts, made, requests } = figures
    const grownMb = (process.memoryUsage().rss - before) / 1e6
    console.log(
      `      40 calls play 10 minutes (4.8 MB): ${prompts} prompt, ${octets / 1e6} MB kept, made ${made} time, rss +${grownMb.toFixed(0)} MB`,
    )
    assert.deepEqual([prompts, octets, made, requests], [1, 4_800_000, 1, 40])
  })
})
