/** Many calls, one after the other: the resources that each one leaves behind. */
import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { systemClock } from '../../src/base/clock.js'
import { MediaWorker } from '../../src/media/worker/media-worker.js'
import { EngineChild } from '../support/engine-child.js'
import type { Usage } from '../support/engine-child-commands.js'
import { LONG, mb, tell } from '../support/figures.js'
import { account } from '../support/flow-items.js'
import { connectionTo, LOOPBACK_PORTS } from '../support/media-pair.js'
import type { FlowItem } from '../support/node-red.js'
import { holdingsOf, type RunningNodeRed, startNodeRed } from '../support/node-red-process.js'
import { peerFolder } from '../support/peers/peer-folder.js'
import '../support/peers/root-hooks.js'
import { Sipp } from '../support/peers/sipp.js'
import { plainCaller } from '../support/peers/sipp-plain.js'
import { holdings } from '../support/process-handles.js'
import { freeUdpPorts } from '../support/udp-ports.js'

/** Ids of 10,000 ended calls are remembered on purpose, so memory becomes steady only after 10,000 calls. */
const WARM_UP = 10_000
const MEASURED = LONG ? 40_000 : 10_000
const PER_SECOND = 500
/** Transactions are remembered for 32 s (RFC 3261 17), here for 4: so that memory becomes steady within the test. */
const SPEED = 8
const LINGER_MS = 40_000 / SPEED
const KB_PER_1000 = 50
const MEDIA_CALLS = 4_000
const NODE_CALLS = 4_000
/** Half a kilobyte per call: less than any object that is kept by mistake. */
const KEPT_KB_PER_1000 = 500

describe('a soak', function () {
  this.timeout(LONG ? 300_000 : 120_000)
  const children: EngineChild[] = []
  let nodeRed: RunningNodeRed | undefined

  afterEach(async () => {
    await Promise.all([...children.splice(0).map((child) => child.close()), nodeRed?.close()])
    nodeRed = undefined
  })

  const start = async (...init: Parameters<typeof EngineChild.start>) => {
    children.push(await EngineChild.start(...init))
    return children.at(-1) as EngineChild
  }

  it(`${WARM_UP + MEASURED} calls from engine to engine: memory, descriptors and threads are as before`, async () => {
    // A pause of the machine for a second must not end a call.
    const account = { allowedSources: ['127.0.0.1'], ringTimeoutMs: 600_000 }
    const folder = peerFolder.folder('soak')
    const init = { folder, kind: 'assembled', noSound: true, speed: SPEED, account } as const
    const [caller, callee] = [await start(init), await start(init)]
    const target = `sip:ringflow@${callee.local.host}:${callee.local.port}`
    const run = async (count: number) => {
      const causes = await caller.call('dial', { target, count, perSecond: PER_SECOND })
      await delay(LINGER_MS)
      return causes
    }
    const usage = async () => [await caller.call('usage', null), await callee.call('usage', null)] as const
    const causes = [await run(WARM_UP)]
    const before = await usage()
    const startedMs = performance.now()
    causes.push(await run(MEASURED / 2))
    const between = await usage()
    causes.push(await run(MEASURED / 2))
    const perSecond = (MEASURED * 1000) / (performance.now() - startedMs - 2 * LINGER_MS)
    const after = await usage()

    const normal = causes.reduce((sum, one) => sum + (one.normal ?? 0), 0)
    tell(`calls at ${perSecond.toFixed(0)}/s that ended well`, `${normal} of ${WARM_UP + MEASURED}`, 'all')
    assert.equal(normal, WARM_UP + MEASURED)
    const { live, ended } = await callee.call('calls', null)
    assert.deepEqual({ live, ended }, { live: 0, ended: { normal: WARM_UP + MEASURED } })
    for (const [n, name] of ['caller', 'callee'].entries()) {
      const [was, half, is] = [before[n] as Usage, between[n] as Usage, after[n] as Usage]
      // Growth of compilers and caches shows once; a leak shows in both halves.
      const slopes = [slopeOf(was, half), slopeOf(half, is)]
      const slope = Math.min(...slopes)
      const each = slopes.map((kb) => kb.toFixed(1)).join(' and ')
      const grown = `${each} kB per 1000 calls of each half (${mb(was.heapOctets)} to ${mb(is.heapOctets)})`
      tell(`${name}: memory grows by`, grown, `at most ${KB_PER_1000} kB per 1000`)
      tell(`${name}: descriptors, threads`, `${handles(was)} before, ${handles(is)} after`, 'the same')
      assert.ok(slope <= KB_PER_1000, `${name}: ${slope} kB`)
      assert.equal(handles(is), handles(was))
    }
  })

  it(`${MEDIA_CALLS} calls of a media worker, ${NODE_CALLS} through the nodes: a kilobyte for each would be seen`, async () => {
    const media = await mediaSlopeKb()
    const nodes = await nodesSlopeKb()
    const promise = `at most ${KEPT_KB_PER_1000} kB per 1000`
    tell('a media worker keeps', `${media.toFixed(0)} kB per 1000 calls`, promise)
    tell("Node-RED's main thread keeps", `${nodes.toFixed(0)} kB per 1000 calls`, promise)
    assert.ok(media <= KEPT_KB_PER_1000, `${media} kB`)
    assert.ok(nodes <= KEPT_KB_PER_1000, `${nodes} kB`)
  })

  /** The worker's code runs in this thread, so that its memory can be measured separately. */
  async function mediaSlopeKb(): Promise<number> {
    const worker = new MediaWorker({ clock: systemClock, emit: () => undefined }, { rtcpIntervalMs: 20 })
    const peer = connectionTo({ host: '127.0.0.1', port: 9, rtcpPort: 9 })
    const prompt = { codec: 'PCMA', data: new SharedArrayBuffer(8000) } as const
    const one = async (id: string) => {
      const { open, connect, play, startRecord, close } = worker.commands
      await open({ id, ...LOOPBACK_PORTS })
      await connect({ id, ...peer })
      await play({ id, playId: id, prompt, repeat: 0 })
      await startRecord({ id, recordId: id, path: '/dev/null', maxMs: 0 })
      await delay(50)
      await close({ id })
    }
    let count = 0
    const calls = async (wanted: number) => {
      for (const untilCount = count + wanted; count < untilCount; ) {
        await Promise.all(Array.from({ length: 50 }, () => one(`${count++}`)))
      }
      // The port pairs of these calls rest, and are closed when no call has needed them for 5 s.
      await delay(12_000)
    }
    await calls(MEDIA_CALLS / 2)
    const before = (await holdings()).heapOctets
    await calls(MEDIA_CALLS / 2)
    const slope = ((await holdings()).heapOctets - before) / 1024 / (MEDIA_CALLS / 2000)
    await worker.close()
    return slope
  }

  async function nodesSlopeKb(): Promise<number> {
    const [port] = await freeUdpPorts(1)
    nodeRed = await startNodeRed({ preload: new URL('../support/report-holdings.js', import.meta.url) })
    await nodeRed.deploy(answeringFlow(Number(port)))
    const run = nodeRed
    const calls = async (count: number) => {
      const target = `127.0.0.1:${port}`
      const { ok } = await Sipp.run({
        name: 'soak-nodes',
        steps: plainCaller,
        target,
        calls: count,
        rate: 150,
        holdMs: 50,
        user: 'alice',
      })
      assert.equal(ok, count)
      return (await holdingsOf(run)).heapOctets
    }
    const before = await calls(NODE_CALLS / 2)
    return ((await calls(NODE_CALLS / 2)) - before) / 1024 / (NODE_CALLS / 2000)
  }

  it('1,000 calls with media from SIPp to a hosted engine: sockets and threads are as before', async () => {
    const engine = await start({ folder: peerFolder.folder('soak-media'), kind: 'hosted', plays: true })
    const sipp = async (name: string, calls: number) => {
      const target = `${engine.local.host}:${engine.local.port}`
      const { ok } = await Sipp.run({ name, steps: plainCaller, target, calls, rate: 100, holdMs: 200 })
      assert.equal(ok, calls)
      while ((await engine.call('calls', null)).live > 0) await delay(50)
    }
    await sipp('soak-warm-up', 100)
    const before = await settled(engine)
    await sipp('soak', 1_000)
    const after = await settled(engine)
    tell('descriptors, threads with media', `${handles(before)} before, ${handles(after)} after`, 'the same')
    assert.equal(handles(after), handles(before))
  })
})

/** Answers, plays, notes digits, writes records: as flows do. */
function answeringFlow(port: number): FlowItem[] {
  const at = { z: 'tab', x: 1, y: 1 }
  return [
    ...account({ inboundFrom: 'anyone', allowedSources: ['127.0.0.1'], maxCalls: '1000' }).map((item) =>
      item.type === 'sip-transport' ? { ...item, udpPort: String(port) } : item,
    ),
    { id: 'incoming', type: 'sip-incoming', ...at, account: 'account', mode: 'flow', wires: [['answer'], []] },
    { id: 'answer', type: 'sip-answer', ...at, wires: [['play']] },
    { id: 'play', type: 'sip-play-media', ...at, source: 'tone', repeat: '0', duration: '10', wires: [[], []] },
    { id: 'event', type: 'sip-event', ...at, wires: [[]] },
    { id: 'cdr', type: 'sip-cdr-out', ...at, wires: [[]] },
  ]
}

const slopeOf = (from: Usage, to: Usage): number => (to.heapOctets - from.heapOctets) / 1024 / (MEASURED / 2000)

const handles = ({ fds, threads }: Usage): string => `${fds}, ${threads}`

/** Port pairs that no call has needed for 5 s are closed within 10 s. */
const TRIMMED_MS = 11_000

/** When nothing is opened or closed any more. */
async function settled(engine: EngineChild): Promise<Usage> {
  const untilMs = performance.now() + 4 * TRIMMED_MS
  let usage = await engine.call('usage', null)
  for (let sinceMs = performance.now(); performance.now() < Math.min(untilMs, sinceMs + TRIMMED_MS); ) {
    await delay(200)
    const now = await engine.call('usage', null)
    if (handles(now) !== handles(usage)) sinceMs = performance.now()
    usage = now
  }
  return usage
}
