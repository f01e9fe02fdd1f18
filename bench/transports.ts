/** Calls without sound between two of our engines over flows that stand: by UDP, TCP and TLS. SIPp as Debian packs it has no TLS. */
import { authority } from '../test/support/certificates.js'
import { EngineProcess } from './engine-process.js'
import { percentile } from './percentile.js'
import { cpuMs, threadTimes, waitedPercent } from './process-usage.js'
import { climb, type SignallingFigures, type SignallingPlan } from './signalling.js'

const PROTOCOLS = ['udp', 'tcp', 'tls'] as const
type Protocol = (typeof PROTOCOLS)[number]

/** `cpuMsPerCall` is that of both engines together, `waitedPercent` that of the callee. */
export interface TransportFigures extends Omit<SignallingFigures, 'cpuMsByThread' | 'retransmissions'> {
  protocol: Protocol
  timesUdp: number
}

export async function measureTransports(plan: SignallingPlan): Promise<TransportFigures[]> {
  const transport = {
    ports: { udp: 0, tcp: 0, tls: 0 },
    tls: { pair: authority.make().pair, ca: { file: authority.caFile } },
  }
  const [caller, callee] = await Promise.all([EngineProcess.start({ transport }), EngineProcess.start({ transport })])
  const { warmUpCalls, calls, perSecond } = plan.steps
  const placeBy = (protocol: Protocol) => async (count: number, rate: number) => {
    const { port = 0 } = callee.listeners.find((listener) => listener.protocol === protocol) ?? {}
    const target = `sip:ringflow@127.0.0.1:${port};transport=${protocol}`
    const { placedMs, ...run } = await caller.dial(target, count, rate)
    return { ...run, retransmissions: 0, perSecond: (count * 1000) / Math.max(placedMs, 1) }
  }
  for (const protocol of PROTOCOLS) await placeBy(protocol)(warmUpCalls, perSecond)

  const turns = new Map(PROTOCOLS.map((protocol) => [protocol, [] as Turn[]]))
  // V8 still compiles, and a machine's speed drifts: each protocol has an early and a late turn.
  for (const protocol of [...PROTOCOLS, ...PROTOCOLS.toReversed()]) {
    const used = () => cpuMs(caller.pid) + cpuMs(callee.pid)
    const [beforeMs, threads, startedMs] = [used(), threadTimes(callee.pid), performance.now()]
    const { setupMs, failed } = await placeBy(protocol)(calls / 2, perSecond)
    const waited = waitedPercent(threads, threadTimes(callee.pid), performance.now() - startedMs)
    turns.get(protocol)?.push({ cpuMs: used() - beforeMs, setupMs, failed, waited })
  }

  const all: TransportFigures[] = []
  for (const [protocol, both] of turns) {
    const cpuMsPerCall = sum(both, (turn) => turn.cpuMs) / calls
    const setupMs = both.flatMap((turn) => turn.setupMs).sort((a, b) => a - b)
    all.push({
      protocol,
      cpuMsPerCall,
      timesUdp: cpuMsPerCall / (all[0]?.cpuMsPerCall ?? cpuMsPerCall),
      setupP50Ms: percentile(setupMs, 0.5),
      setupP99Ms: percentile(setupMs, 0.99),
      failed: sum(both, (turn) => turn.failed),
      waitedPercent: sum(both, (turn) => turn.waited) / both.length,
      ...(await climb(plan, callee.pid, placeBy(protocol))),
    })
  }
  await Promise.all([caller.close(), callee.close()])
  return all
}

interface Turn {
  cpuMs: number
  setupMs: number[]
  failed: number
  waited: number
}

const sum = (turns: readonly Turn[], of: (turn: Turn) => number): number =>
  turns.reduce((total, turn) => total + of(turn), 0)
