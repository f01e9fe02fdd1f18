/** Calls with 20 ms of G.711 in both directions: SIPp places the calls and echoes the sound. */

import { setTimeout as delay } from 'node:timers/promises'
import { sine, writeWav } from '../test/support/audio.js'
import { Baresip } from '../test/support/peers/baresip.js'
import { freePort } from '../test/support/peers/free-port.js'
import { peerFolder } from '../test/support/peers/peer-folder.js'
import { Sipp } from '../test/support/peers/sipp.js'
import { plainCaller } from '../test/support/peers/sipp-plain.js'
import { EngineProcess, type HostStats } from './engine-process.js'
import { cpuMs, rssKb, threadTimes, waitedPercent } from './process-usage.js'
import { captureTo, type Lateness, readLateness } from './rtp-lateness.js'

export interface DuplexPlan {
  windowSec: number
  captureSec: number
}

export interface DuplexFigures {
  calls: number
  failed: number
  /** Percent of one core. */
  cpuPercent: number
  /** How long its busiest thread waited for a core, in percent of the time: about 0 on an otherwise idle machine. */
  waitedPercent: number
  memoryKbPerCall: number
  lateness: Lateness
  /** The engine's own count within the window; null for a peer that does not count. */
  own: { sent: number; received: number; lost: number; late: number } | null
}

interface Callee {
  pid: number
  address: string
  stats: () => Promise<HostStats | null>
}

const CALLS_PER_SECOND = 100
const SETTLE_MS = 1500

export async function measureEngineDuplex(calls: number, plan: DuplexPlan): Promise<DuplexFigures> {
  const engine = await EngineProcess.start({ plays: true })
  const { pid, address } = engine
  // One call first: it starts the workers and compiles the code, which later calls do not pay for.
  await warmUp(address)
  const figures = await measure({ pid, address, stats: () => engine.stats() }, calls, plan)
  await engine.close()
  return figures
}

export async function measureBaresipDuplex(calls: number, plan: DuplexPlan): Promise<DuplexFigures> {
  const wav = peerFolder.file('tone.wav')
  // baresip keeps its file in memory once per call: 16 kB for each second.
  writeWav(wav, sine(440, 20_000))
  const baresip = await Baresip.start({
    name: 'ringflow',
    autoAnswer: true,
    sends: { wav, sampleRate: 8000 },
    maxCalls: calls + 10,
  })
  await warmUp(baresip.address)
  const { pid } = baresip.process
  const figures = await measure({ pid, address: baresip.address, stats: async () => null }, calls, plan)
  await baresip.stop()
  return figures
}

async function warmUp(target: string): Promise<void> {
  await Sipp.run({ name: 'warm-up', steps: plainCaller, target, calls: 1, holdMs: 300, echoRtp: true })
}

async function measure(callee: Callee, calls: number, plan: DuplexPlan): Promise<DuplexFigures> {
  const idleKb = rssKb(callee.pid)
  const rampMs = (calls * 1000) / CALLS_PER_SECOND
  const mediaPort = await freePort()
  const caller = await Sipp.start({
    name: 'duplex',
    steps: plainCaller,
    target: callee.address,
    calls,
    rate: CALLS_PER_SECOND,
    holdMs: rampMs + SETTLE_MS + (plan.windowSec + plan.captureSec + 1) * 1000,
    echoRtp: true,
    mediaPort,
  })
  await delay(rampMs + SETTLE_MS)
  const before = await callee.stats()
  const [cpuBefore, threadsBefore, atMs] = [cpuMs(callee.pid), threadTimes(callee.pid), performance.now()]
  await delay(plan.windowSec * 1000)
  const elapsedMs = performance.now() - atMs
  const cpuPercent = ((cpuMs(callee.pid) - cpuBefore) / elapsedMs) * 100
  const waited = waitedPercent(threadsBefore, threadTimes(callee.pid), elapsedMs)
  const after = await callee.stats()
  const busyKb = rssKb(callee.pid)
  // After the window, because capturing uses the same two cores.
  const lateness = readLateness(await captureTo(mediaPort, plan.captureSec))
  await caller.process.exited
  return {
    calls,
    failed: caller.figures().failed,
    cpuPercent,
    waitedPercent: waited,
    memoryKbPerCall: (busyKb - idleKb) / calls,
    lateness,
    own: before && after ? difference(after, before) : null,
  }
}

const difference = (after: HostStats, before: HostStats) => ({
  sent: after.packetsSent - before.packetsSent,
  received: after.packetsReceived - before.packetsReceived,
  lost: after.packetsLost - before.packetsLost,
  late: after.latePackets - before.latePackets,
})
