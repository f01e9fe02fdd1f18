/** Calls without sound between two of our engines over flows that stand: by UDP, TCP and TLS. SIPp as Debian packs it has no TLS. */
import { authority } from '../test/support/certificates.js'
import { EngineProcess } from './engine-process.js'
import { cpuMs } from './process-usage.js'
import { measureCalls, type SignallingFigures, type SignallingPlan } from './signalling.js'

const PROTOCOLS = ['udp', 'tcp', 'tls'] as const

/** `cpuMsByThread` is that of the callee. */
export interface TransportFigures extends SignallingFigures {
  protocol: (typeof PROTOCOLS)[number]
  /** Of both engines together. */
  bothCpuMsPerCall: number
  timesUdp: number
}

export async function measureTransports(plan: SignallingPlan): Promise<TransportFigures[]> {
  const transport = {
    ports: { udp: 0, tcp: 0, tls: 0 },
    tls: { pair: authority.make().pair, ca: { file: authority.caFile } },
  }
  const [caller, callee] = await Promise.all([EngineProcess.start({ transport }), EngineProcess.start({ transport })])
  const place = async (protocol: string, calls: number, perSecond: number) => {
    const { port = 0 } = callee.listeners.find((listener) => listener.protocol === protocol) ?? {}
    const target = `sip:ringflow@127.0.0.1:${port};transport=${protocol}`
    const { placedMs, ...run } = await caller.dial(target, calls, perSecond)
    return { ...run, retransmissions: 0, perSecond: (calls * 1000) / Math.max(placedMs, 1) }
  }
  // V8 compiles most of both engines here, so that the first protocol does not pay for all.
  for (const protocol of PROTOCOLS) await place(protocol, plan.steps.warmUpCalls, plan.steps.perSecond)
  const all: TransportFigures[] = []
  for (const protocol of PROTOCOLS) {
    const callersMs: number[] = []
    const figures = await measureCalls(plan, callee.pid, async (calls, perSecond) => {
      const beforeMs = cpuMs(caller.pid)
      const run = await place(protocol, calls, perSecond)
      callersMs.push((cpuMs(caller.pid) - beforeMs) / calls)
      return run
    })
    // The first run warms up, the second one is measured.
    const bothCpuMsPerCall = figures.cpuMsPerCall + (callersMs[1] ?? Number.NaN)
    const timesUdp = bothCpuMsPerCall / (all[0]?.bothCpuMsPerCall ?? bothCpuMsPerCall)
    all.push({ protocol, ...figures, bothCpuMsPerCall, timesUdp })
  }
  await Promise.all([caller.close(), callee.close()])
  return all
}
