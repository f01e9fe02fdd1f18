import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, watch, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { silentLogger } from '../../../src/base/logger.js'
import { type MediaService, startMediaService } from '../../../src/media/client.js'
import type { StartThread } from '../../../src/media/rpc-worker.js'
import { readWav, sine, writeWav } from '../../support/audio.js'
import { connect, connectWith, LOOPBACK_PORTS, mediaPair, nextEvent } from '../../support/media-pair.js'

const TONE = { kind: 'tone', hz: [1000], durationMs: 60_000, levelDbfs: -13 } as const
const tone = () => ({ ...TONE, hz: [...TONE.hz] })
const CLIENT = new URL('../../../src/media/client.js', import.meta.url).href

/** A port range whose first pair another socket holds. */
async function narrowRange(pairs: number): Promise<{ portMin: number; portMax: number }> {
  for (let portMin = 41_000; ; portMin += 2 * pairs) {
    const sockets = []
    try {
      for (let port = portMin; port < portMin + 2 * pairs; port++) {
        const socket = createSocket('udp4')
        sockets.push(socket)
        const listening = once(socket, 'listening')
        socket.bind(port, '127.0.0.1')
        await listening
      }
      return { portMin, portMax: portMin + 2 * pairs - 1 }
    } catch {
      // One of these ports is in use: try the next range.
    } finally {
      await Promise.all(
        sockets.map((socket) => {
          const closed = once(socket, 'close')
          socket.close()
          return closed
        }),
      )
    }
  }
}

describe('media: life of calls and workers', () => {
  let service: MediaService
  let folder: string

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ringflow-life-'))
  })
  afterEach(() => service.close())

  it('ports are even, RTCP above, exhausted with a clear error, free for calls after close, and for all with the service', async () => {
    service = startMediaService({ log: silentLogger })
    const range = await narrowRange(3)
    const open = (id: string) => service.open({ id, address: '127.0.0.1', ...range })
    const sessions = [await open('1'), await open('2'), await open('3')]
    assert.equal(new Set(sessions.map((s) => s.local.port)).size, 3)
    for (const { local } of sessions) assert.ok(local.port % 2 === 0 && local.rtcpPort === local.port + 1)
    await assert.rejects(open('4'), { code: 'NO_PORTS' })
    await sessions[1]?.close()
    const again = await open('5')
    assert.equal(again.local.port, sessions[1]?.local.port)
    await Promise.all([again, ...sessions].map((s) => s.close()))
    await service.close()
    const socket = createSocket('udp4')
    const listening = once(socket, 'listening')
    socket.bind(range.portMin, '127.0.0.1')
    await listening
    socket.close()
  })

  it('a port that was left is not given to the next call while others are free', async () => {
    service = startMediaService({ log: silentLogger })
    const range = await narrowRange(4)
    const ports: number[] = []
    for (let n = 0; n < 4; n++) {
      const session = await service.open({ id: `${n}`, address: '127.0.0.1', ...range })
      ports.push(session.local.port)
      await session.close()
    }
    assert.equal(new Set(ports).size, 4)
  })

  it('an address that is not ours is refused', async () => {
    service = startMediaService({ log: silentLogger })
    await assert.rejects(service.open({ id: 'x', ...LOOPBACK_PORTS, address: '192.0.2.1' }), { code: 'TRANSPORT' })
    await assert.rejects(service.open({ id: 'x', ...LOOPBACK_PORTS, portMin: 40_001, portMax: 40_001 }), {
      code: 'NO_PORTS',
    })
  })

  it('closing a call ends what it plays, sends and records, with what was done, once', async () => {
    const pair = await mediaPair()
    service = pair.service
    const { a, b } = pair
    const recording = await b.record(join(folder, 'b.wav'))
    const playback = a.play(tone())
    await pair.started.b
    const sending = b.sendDigits('123456789')
    const [first, second] = await Promise.all([a.close(), a.close()])
    assert.ok(first && first === second && first.packetsSent > 0)
    assert.equal((await playback.ended).ended, 'hangup')
    await b.close()
    assert.equal(await sending, 'hangup')
    const recorded = await recording.ended
    assert.equal(recorded.ended, 'hangup')
    assert.equal(readWav(recorded.path).channels[0]?.length, recorded.durationMs * 8)
    for (const late of [a.stats(), a.sendDigits('1'), a.record(join(folder, 'c.wav')), a.play(tone()).ended]) {
      await assert.rejects(late, { code: 'CLOSED' })
    }
    await assert.rejects(connect(a, b), { code: 'CLOSED' })
    a.play(tone()).stop()
  })

  it('plays are interrupted by the next one, and stopped, also before their file was read', async () => {
    const pair = await mediaPair()
    service = pair.service
    const { a } = pair
    const path = join(folder, 'long.wav')
    writeWav(path, sine(300, 20_000, { sampleRate: 48_000 }), 48_000)
    const unread = a.play({ kind: 'file', path })
    const first = a.play(tone())
    await pair.started.b
    const second = a.play(tone())
    assert.deepEqual(await unread.ended, { ended: 'interrupted', playedMs: 0 })
    const { ended, playedMs } = await first.ended
    assert.equal(ended, 'interrupted')
    assert.ok(playedMs < 60_000)
    second.stop()
    second.stop()
    assert.equal((await second.ended).ended, 'stopped')
  })

  it('a file that is missing or no sound is told before anything was sent, and nothing else is harmed', async () => {
    const pair = await mediaPair()
    service = pair.service
    const text = join(folder, 'text.wav')
    writeFileSync(text, 'no sound')
    await assert.rejects(pair.a.play({ kind: 'file', path: join(folder, 'none.wav') }).ended, {
      code: 'FILE_NOT_FOUND',
    })
    await assert.rejects(pair.a.play({ kind: 'file', path: text }).ended, { code: 'BAD_AUDIO' })
    pair.a.play({ kind: 'file', path: text }) // its end is not awaited: there must be no unhandled rejection
    const short = { ...tone(), durationMs: 100 }
    assert.deepEqual(await pair.a.play(short).ended, { ended: 'finished', playedMs: 100 })
  })

  it('a file is recorded to by one at a time, whichever call it is of', async () => {
    const pair = await mediaPair()
    service = pair.service
    const { a, b } = pair
    const path = join(folder, 'one.wav')
    const first = await b.record(path)
    for (const other of [a, b]) await assert.rejects(other.record(path), { code: 'BAD_ARGUMENT' })
    await assert.rejects(b.record(join(path, 'below.wav')), { code: 'BAD_ARGUMENT' })
    await first.stop()
    await first.ended
    const second = await a.record(path)
    assert.ok(await second.stop())
  })

  it('a recording ends by itself at its limit; two run at once', async () => {
    const pair = await mediaPair()
    service = pair.service
    const short = await pair.b.record(join(folder, 'short.wav'), { maxMs: 300 })
    const long = await pair.b.record(join(folder, 'long.wav'))
    const ended = await short.ended
    assert.deepEqual([ended.ended, ended.durationMs], ['finished', 300])
    assert.equal(await short.stop(), null)
    const stopped = await long.stop()
    assert.ok(stopped && stopped.durationMs > 0)
  })

  it('digits that no one can send are refused', async () => {
    const pair = await mediaPair()
    service = pair.service
    await assert.rejects(pair.a.sendDigits('12E'), { code: 'BAD_ARGUMENT' })
    await assert.rejects(pair.a.sendDigits('1', { toneMs: 60_000 }), { code: 'BAD_ARGUMENT' })
    await connectWith(pair.a, {
      remote: pair.b.local,
      codec: 'PCMA',
      payloadType: 8,
      direction: 'sendrecv',
      ptimeMs: 20,
      timeoutMs: 0,
    })
    await assert.rejects(pair.a.sendDigits('1'), { code: 'NO_COMMON_CODEC' })
  })

  it('a worker that dies takes its own calls with it, and the next call starts another one', async () => {
    const log: string[] = []
    const logger = { ...silentLogger, error: (_fields: object, message: string) => log.push(message) }
    const threads: Worker[] = []
    const startThread: StartThread = (entry, options) => {
      const thread = new Worker(entry, options)
      threads.push(thread)
      return thread
    }
    service = startMediaService({ log: logger, startThread }, { workers: 2, callsPerWorker: 1 })
    const [a, b] = [
      await service.open({ id: 'a', ...LOOPBACK_PORTS }),
      await service.open({ id: 'b', ...LOOPBACK_PORTS }),
    ]
    const heard = nextEvent(b, 'started')
    await connect(a, b)
    await connect(b, a)
    const playback = a.play(tone())
    const path = join(folder, 'a.wav')
    const recording = await a.record(path)
    await heard
    const watcher = watch(path)
    await once(watcher, 'change') // the first second is on the disk
    watcher.close()
    b.on('failed', () => assert.fail('the other worker lives'))
    const failed = nextEvent(a, 'failed')
    await threads[0]?.terminate()
    await failed
    assert.equal((await playback.ended).ended, 'failed')
    const recorded = await recording.ended
    assert.deepEqual([recorded.ended, recorded.truncated], ['hangup', true])
    // The header is rewritten every five seconds and now states the larger size.
    assert.ok(recorded.durationMs >= 1000, `${recorded.durationMs} ms`)
    assert.equal(readWav(path).channels[0]?.length, recorded.durationMs * 8)
    assert.equal(await a.close(), null)
    await assert.rejects(a.stats(), { code: 'CLOSED' })
    assert.equal(log.length, 1)
    assert.ok((await b.stats()).packetsSent > 0)
    const next = await service.open({ id: 'a', ...LOOPBACK_PORTS })
    const heardAgain = nextEvent(next, 'started')
    await connect(next, b)
    await connect(b, next)
    await heardAgain
  })

  it('works from a worker as well, and ends with it', async () => {
    service = startMediaService({ log: silentLogger })
    const code = `
      import { parentPort } from 'node:worker_threads'
      const { startMediaService } = await import(${JSON.stringify(CLIENT)})
      const log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log }
      const service = startMediaService({ log })
      const open = (id) => service.open({ id, address: '127.0.0.1', portMin: 30000, portMax: 39999 })
      const [a, b] = [await open('a'), await open('b')]
      const to = (remote) => ({ remote, codec: 'PCMA', payloadType: 8, direction: 'sendrecv', ptimeMs: 20, timeoutMs: 0 })
      b.on('started', () => parentPort.postMessage('started'))
      await a.connect(to(b.local))
      await b.connect(to(a.local))
      parentPort.once('message', () => service.close().then(() => parentPort.postMessage('closed')))`
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`))
    const exited = once(worker, 'exit')
    assert.deepEqual(await once(worker, 'message'), ['started'])
    worker.postMessage('close')
    assert.deepEqual(await once(worker, 'message'), ['closed'])
    assert.deepEqual(await exited, [0])
  })

  it('a call goes on when the disk is full, and its recording says that something is missing', () => {
    service = startMediaService({ log: silentLogger })
    const path = join(folder, 'full.wav')
    const code = `
      import { startMediaService } from ${JSON.stringify(CLIENT)}
      const log = { debug() {}, info() {}, warn: (_fields, text) => console.log(text), error() {}, child: () => log }
      const service = startMediaService({ log })
      const open = (id) => service.open({ id, address: '127.0.0.1', portMin: 30000, portMax: 39999 })
      const [a, b] = [await open('a'), await open('b')]
      const to = (remote) => ({ remote, codec: 'PCMA', payloadType: 8, direction: 'sendrecv', ptimeMs: 20, timeoutMs: 0 })
      await a.connect(to(b.local))
      await b.connect(to(a.local))
      const recording = await b.record(${JSON.stringify(path)})
      await a.play({ kind: 'tone', hz: [1000], durationMs: 4000, levelDbfs: -13 }).ended
      const result = await recording.stop()
      const before = (await b.stats()).packetsReceived
      await a.play({ kind: 'tone', hz: [1000], durationMs: 200, levelDbfs: -13 }).ended
      console.log(JSON.stringify({ result, goesOn: (await b.stats()).packetsReceived > before }))
      await service.close()`
    // Files are limited to 32 blocks: writes fail with EFBIG. The signal that would end the process is ignored.
    const shell = `trap '' XFSZ; ulimit -f 32; exec "$0" --input-type=module -e "$1"`
    const { stdout } = spawnSync('sh', ['-c', shell, process.execPath, code], { timeout: 9000 })
    const [warning, told] = stdout.toString().trim().split('\n')
    assert.match(warning ?? '', /octets were not written: Error: EFBIG/)
    const { result, goesOn } = JSON.parse(told ?? '')
    assert.ok(result.truncated && result.durationMs <= 2000 && goesOn, told)
    assert.equal(readWav(path).channels[0]?.length, result.durationMs * 8, 'what half a chunk left is taken off')
  })

  it('a process is not kept alive by workers that have no call', () => {
    service = startMediaService({ log: silentLogger })
    const code = `
      import { startMediaService } from ${JSON.stringify(CLIENT)}
      const log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log }
      const service = startMediaService({ log })
      const a = await service.open({ id: 'a', address: '127.0.0.1', portMin: 30000, portMax: 39999 })
      await a.play({ kind: 'tone', hz: [1000], durationMs: -1, levelDbfs: -10 }).ended.catch((e) => console.log(e.code))
      await a.close()
      console.log('end')`
    const { stdout, status } = spawnSync(process.execPath, ['--input-type=module', '-e', code], { timeout: 8000 })
    assert.deepEqual([stdout.toString(), status], ['BAD_ARGUMENT\nend\n', 0])
  })

  it('closing the service closes every call, and nothing opens afterwards', async () => {
    const pair = await mediaPair()
    service = pair.service
    const playback = pair.a.play(tone())
    await pair.started.b
    await Promise.all([service.close(), service.close()])
    assert.equal((await playback.ended).ended, 'hangup')
    await assert.rejects(pair.a.stats(), { code: 'CLOSED' })
    await assert.rejects(service.open({ id: 'z', ...LOOPBACK_PORTS }), { code: 'CLOSED' })
  })
})
