/** The parts of the bench and their plans, whole and quick. */
import { type DuplexFigures, type DuplexPlan, measureBaresipDuplex, measureEngineDuplex } from './duplex.js'
import { type MemoryPlan, measureMemory } from './memory.js'
import { measureNodeRed } from './node-red.js'
import { measureChallenged, measureRegistrations } from './registrations.js'
import type { ComparedFigures, Figures } from './report.js'
import { measureSetUp } from './set-up-time.js'
import { measureInbound, measureOutbound, measureSipp, type SignallingFigures, type Steps } from './signalling.js'
import { measureTransports } from './transports.js'

/** CPU per call depends on the rate, because processes sleep between calls: the same rate for all. */
const PER_SECOND = 400
const SIPP: Steps = { warmUpCalls: 200, calls: 3000, perSecond: PER_SECOND, ladder: [2000, 3000, 4000] }
const ENGINE: Steps = {
  warmUpCalls: 2000,
  calls: 3000,
  perSecond: PER_SECOND,
  ladder: [400, 800, 1200, 1600, 2000, 2500, 3000],
}
const NODES: Steps = { ...ENGINE, ladder: [200, 400, 600, 800, 1000, 1200, 1500] }
/** Two engines share the machine. */
const TRANSPORTS: Steps = { warmUpCalls: 1000, calls: 3000, perSecond: 200, ladder: [200, 400, 600, 800, 1000, 1200] }
const QUICK_TRANSPORTS: Steps = { warmUpCalls: 400, calls: 1000, perSecond: 200, ladder: [400, 800] }

const MEMORY: MemoryPlan = { warmUpCalls: 20_000, calls: 20_000, perSecond: PER_SECOND }
const QUICK_MEMORY: MemoryPlan = { warmUpCalls: 12_000, calls: 5000, perSecond: PER_SECOND }
const DUPLEX: DuplexPlan = { windowSec: 10, captureSec: 5 }
const QUICK_DUPLEX: DuplexPlan = { windowSec: 2, captureSec: 2 }

/** What `--only` may name. */
export const PARTS = [
  'inbound',
  'outbound',
  'nodes',
  'transports',
  'set-up',
  'registrations',
  'memory',
  'duplex',
] as const
export type Part = (typeof PARTS)[number]

export async function measure(parts: readonly Part[], quick: boolean): Promise<Figures> {
  const figures: Figures = {}
  const plan = (steps: Steps) => ({ steps, secondsPerRung: quick ? 2 : 3 })
  const say = (text: string) => process.stderr.write(`${text} …\n`)

  const runs: Record<Part, () => Promise<void>> = {
    inbound: async () => {
      say('calls without sound: SIPp to us')
      figures.inbound = compared(await measureInbound(plan(ENGINE)), figures.sipp?.cpuMsPerCall)
    },
    outbound: async () => {
      say('calls without sound: us to SIPp')
      figures.outbound = compared(await measureOutbound(plan(ENGINE)), figures.sipp?.callerCpuMsPerCall)
    },
    nodes: async () => {
      say('calls through the nodes of a Node-RED')
      const measured = await measureNodeRed({ ...plan(NODES), settleMs: quick ? 6000 : 15_000 })
      figures.nodes = compared(measured, figures.sipp?.cpuMsPerCall)
    },
    transports: async () => {
      say('calls without sound between two of us: UDP, TCP, TLS')
      figures.transports = await measureTransports(
        quick ? { steps: QUICK_TRANSPORTS, secondsPerRung: 2 } : plan(TRANSPORTS),
      )
    },
    'set-up': async () => {
      say('set-up time, one call at a time')
      const calls = quick ? 300 : 1000
      figures.setUp = [await measureSetUp(calls, false), await measureSetUp(calls, true)]
    },
    registrations: async () => {
      say('1,000 accounts registered and refreshed')
      figures.registrations = await measureRegistrations({ accounts: 1000, expiresSec: quick ? 6 : 20 })
      say('1,000 accounts registered at Kamailio by UDP and TLS')
      figures.challenged = [await measureChallenged(1000, 'udp'), await measureChallenged(1000, 'tls')]
    },
    memory: async () => {
      const memory = quick ? QUICK_MEMORY : MEMORY
      say(`${memory.calls} calls one after the other, for what stays of them`)
      figures.memory = await measureMemory(memory)
    },
    duplex: async () => {
      const duplex = quick ? QUICK_DUPLEX : DUPLEX
      const ours: DuplexFigures[] = []
      for (const calls of quick ? [100, 500] : [1, 100, 500, 800]) {
        say(`calls with sound in both directions: ${calls}`)
        ours.push(await measureEngineDuplex(calls, duplex))
      }
      say('calls with sound in both directions: baresip, 100')
      figures.duplex = { ours, baresip: await measureBaresipDuplex(100, duplex) }
    },
  }

  if (parts.some((part) => part === 'inbound' || part === 'outbound' || part === 'nodes')) {
    say('calls without sound: SIPp to SIPp')
    figures.sipp = await measureSipp(plan(SIPP))
  }
  for (const part of parts) await runs[part]()
  return figures
}

const compared = <T extends SignallingFigures>(figures: T, sippMs = Number.NaN): T & ComparedFigures => ({
  ...figures,
  timesSipp: figures.cpuMsPerCall / sippMs,
})
