/** INVITE, 200, ACK, BYE, 200: CPU per call, and the highest rate without a failure, a retransmission or a late call. */
import { Sipp } from '../test/support/peers/sipp.js'
import { plainCallee, plainCaller } from '../test/support/peers/sipp-plain.js'
import type { Step } from '../test/support/peers/sipp-scenario.js'
import { EngineProcess } from './engine-process.js'
import { percentile } from './percentile.js'
import { cpuByThread, cpuMs, endedChildrenCpuMs, threadTimes, waitedPercent } from './process-usage.js'

export interface SignallingPlan {
  steps: Steps
  secondsPerRung: number
}

export interface Steps {
  /** Calls until V8 has compiled all functions. */
  warmUpCalls: number
  /** At this rate CPU per call is measured, with enough calls for the system's 10 ms ticks. */
  calls: number
  perSecond: number
  /** Rates, tried in order until one is not clean. */
  ladder: number[]
}

export interface SignallingFigures {
  cpuMsPerCall: number
  /** Split into the main thread, the busiest other thread and the rest. */
  cpuMsByThread: { main: number; busiest: number; rest: number }
  setupP50Ms: number
  setupP99Ms: number
  failed: number
  retransmissions: number
  /** How long its busiest thread waited for a core, in percent of the time: about 0 on an otherwise idle machine. */
  waitedPercent: number
  /** 0 if even the first rate was not clean. */
  cleanPerSecond: number
  /** The first rate that was not clean; null if all were. */
  unclean: Unclean | null
}

export interface Unclean {
  wantedPerSecond: number
  offeredPerSecond: number
  failed: number
  retransmissions: number
  setupP99Ms: number
  waitedPercent: number
}

/** The reference: `cpuMsPerCall` is that of the callee. */
export interface SippFigures extends SignallingFigures {
  callerCpuMsPerCall: number
}

interface Run {
  failed: number
  retransmissions: number
  setupMs: number[]
  /** The rate that was really offered. */
  perSecond: number
}

type Place = (calls: number, perSecond: number) => Promise<Run>

/** A call with a longer set-up time has waited in a queue. */
const SLOW_MS = 200

export async function measureSipp(plan: SignallingPlan): Promise<SippFigures> {
  const callee = await Sipp.start({ name: 'reference-callee', steps: plainCallee })
  const callersMs: number[] = []
  const place = sippCalls(callee.address)
  const figures = await measureCalls(plan, callee.process.pid, async (calls, perSecond) => {
    const beforeMs = endedChildrenCpuMs()
    const run = await place(calls, perSecond)
    callersMs.push((endedChildrenCpuMs() - beforeMs) / calls)
    return run
  })
  await callee.stop()
  // The first run warms up, the second one is measured.
  return { ...figures, callerCpuMsPerCall: callersMs[1] ?? Number.NaN }
}

export async function measureInbound(plan: SignallingPlan): Promise<SignallingFigures> {
  const engine = await EngineProcess.start({ plays: false })
  const figures = await measureCalls(plan, engine.pid, sippCalls(engine.address))
  await engine.close()
  return figures
}

export async function measureOutbound(plan: SignallingPlan): Promise<SignallingFigures> {
  const engine = await EngineProcess.start({ plays: false })
  const place: Place = async (calls, perSecond) => {
    const callee = await Sipp.start({ name: 'callee', steps: plainCallee })
    const { placedMs, failed, setupMs } = await engine.dial(`sip:bench@${callee.address}`, calls, perSecond)
    await callee.stop()
    const { retransmissions } = callee.figures()
    return { failed, retransmissions, setupMs, perSecond: (calls * 1000) / Math.max(placedMs, 1) }
  }
  const figures = await measureCalls(plan, engine.pid, place)
  await engine.close()
  return figures
}

export const sippCalls =
  (target: string, how: { steps?: readonly Step[]; user?: string } = {}): Place =>
  async (calls, perSecond) => {
    const startedMs = performance.now()
    const rate = { calls, rate: perSecond, limit: 3000, setupTimesEvery: 100 }
    const caller = await Sipp.start({ name: 'caller', steps: plainCaller, ...how, target, ...rate })
    await caller.process.exited
    const figures = caller.figures()
    return { ...figures, perSecond: (calls * 1000) / (performance.now() - startedMs) }
  }

export async function measureCalls(plan: SignallingPlan, pid: number, place: Place): Promise<SignallingFigures> {
  const { warmUpCalls, calls, perSecond } = plan.steps
  await place(warmUpCalls, perSecond)
  const [beforeMs, threadsBefore, startedMs] = [cpuMs(pid), threadTimes(pid), performance.now()]
  const { failed, retransmissions, setupMs } = await place(calls, perSecond)
  const [threadsAfter, elapsedMs] = [threadTimes(pid), performance.now() - startedMs]
  const cpuMsPerCall = (cpuMs(pid) - beforeMs) / calls
  const { main, busiest, rest } = cpuByThread(pid, threadsBefore, threadsAfter)
  return {
    cpuMsPerCall,
    cpuMsByThread: { main: main / calls, busiest: busiest / calls, rest: rest / calls },
    waitedPercent: waitedPercent(threadsBefore, threadsAfter, elapsedMs),
    setupP50Ms: percentile(setupMs, 0.5),
    setupP99Ms: percentile(setupMs, 0.99),
    failed,
    retransmissions,
    ...(await climb(plan, pid, place)),
  }
}

export async function climb(
  { steps, secondsPerRung }: SignallingPlan,
  pid: number,
  place: Place,
): Promise<Pick<SignallingFigures, 'cleanPerSecond' | 'unclean'>> {
  let cleanPerSecond = 0
  for (const rung of steps.ladder) {
    const [threadsBefore, startedMs] = [threadTimes(pid), performance.now()]
    const run = await place(rung * secondsPerRung, rung)
    if (!isClean(run, rung)) {
      const unclean = {
        wantedPerSecond: rung,
        offeredPerSecond: run.perSecond,
        failed: run.failed,
        retransmissions: run.retransmissions,
        setupP99Ms: percentile(run.setupMs, 0.99),
        waitedPercent: waitedPercent(threadsBefore, threadTimes(pid), performance.now() - startedMs),
      }
      return { cleanPerSecond, unclean }
    }
    cleanPerSecond = rung
  }
  return { cleanPerSecond, unclean: null }
}

function isClean({ failed, retransmissions, setupMs, perSecond }: Run, wanted: number): boolean {
  return failed === 0 && retransmissions === 0 && percentile(setupMs, 0.99) <= SLOW_MS && perSecond >= wanted * 0.75
}
