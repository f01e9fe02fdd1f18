/** INVITE, 200, ACK, BYE, 200: CPU per call, and the highest rate without a failure, a retransmission or a late call. */
import { Sipp } from '../test/support/peers/sipp.js'
import { plainCallee, plainCaller } from '../test/support/peers/sipp-plain.js'
import type { Step } from '../test/support/peers/sipp-scenario.js'
import { EngineProcess } from './engine-process.js'
import { percentile } from './percentile.js'
import { cpuByThread, cpuMs, threadTimes } from './process-usage.js'

export interface SignallingPlan {
  sipp: Steps
  engine: Steps
  secondsPerRung: number
}

export interface Steps {
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
  /** 0 if even the first rate was not clean. */
  cleanPerSecond: number
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
/** Calls until V8 has compiled all functions. */
const WARM_UP_CALLS = 2000

export async function measureSipp(plan: SignallingPlan): Promise<SignallingFigures> {
  const callee = await Sipp.start({ name: 'reference-callee', steps: plainCallee })
  const figures = await measureCalls(plan.sipp, plan.secondsPerRung, callee.process.pid, sippCalls(callee.address))
  await callee.stop()
  return figures
}

export async function measureInbound(plan: SignallingPlan): Promise<SignallingFigures> {
  const engine = await EngineProcess.start({ plays: false })
  const figures = await measureCalls(plan.engine, plan.secondsPerRung, engine.pid, sippCalls(engine.address))
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
  const figures = await measureCalls(plan.engine, plan.secondsPerRung, engine.pid, place)
  await engine.close()
  return figures
}

export const sippCalls =
  (target: string, how: { steps?: readonly Step[]; user?: string } = {}): Place =>
  async (calls, perSecond) => {
    const startedMs = performance.now()
    const init = { name: 'caller', steps: plainCaller, ...how, target, calls, rate: perSecond, limit: 3000 }
    const caller = await Sipp.start(init)
    await caller.process.exited
    const figures = caller.figures()
    return { ...figures, perSecond: (calls * 1000) / (performance.now() - startedMs) }
  }

export async function measureCalls(
  { calls, perSecond, ladder }: Steps,
  secondsPerRung: number,
  pid: number,
  place: Place,
): Promise<SignallingFigures> {
  // During the first calls V8 compiles the code.
  await place(Math.min(WARM_UP_CALLS, calls * 2), perSecond)
  const [beforeMs, threadsBefore] = [cpuMs(pid), threadTimes(pid)]
  const { failed, retransmissions, setupMs } = await place(calls, perSecond)
  const cpuMsPerCall = (cpuMs(pid) - beforeMs) / calls
  const { main, busiest, rest } = cpuByThread(pid, threadsBefore, threadTimes(pid))
  let cleanPerSecond = 0
  for (const rung of ladder) {
    const run = await place(rung * secondsPerRung, rung)
    if (!isClean(run, rung)) break
    cleanPerSecond = rung
  }
  return {
    cpuMsPerCall,
    cpuMsByThread: { main: main / calls, busiest: busiest / calls, rest: rest / calls },
    setupP50Ms: percentile(setupMs, 0.5),
    setupP99Ms: percentile(setupMs, 0.99),
    failed,
    retransmissions,
    cleanPerSecond,
  }
}

function isClean({ failed, retransmissions, setupMs, perSecond }: Run, wanted: number): boolean {
  return failed === 0 && retransmissions === 0 && percentile(setupMs, 0.99) <= SLOW_MS && perSecond >= wanted * 0.75
}
