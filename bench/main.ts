/**
 * `npm run bench [-- --quick]`: what a call costs, as ratios to peers measured in the same run. Figures of one machine mean
 * little; the ratios travel. Nothing is asserted: the figures are printed, and once more as one JSON line.
 */
import { cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { peerFolder } from '../test/support/peers/peer-folder.js'
import { stopAllPeers } from '../test/support/peers/peer-process.js'
import { type DuplexFigures, type DuplexPlan, measureBaresipDuplex, measureEngineDuplex } from './duplex.js'
import { type MemoryFigures, measureMemory } from './memory.js'
import { measureNodeRed, type NodeRedFigures } from './node-red.js'
import { measureRegistrations, type RegistrationFigures } from './registrations.js'
import { measureSetUp, type SetUpFigures } from './set-up-time.js'
import {
  measureInbound,
  measureOutbound,
  measureSipp,
  type SignallingFigures,
  type SignallingPlan,
  type Steps,
} from './signalling.js'
import { table } from './table.js'

const SIGNALLING: SignallingPlan = {
  sipp: { calls: 3000, perSecond: 500, ladder: [500, 1000, 2000, 3000, 4000] },
  engine: { calls: 3000, perSecond: 400, ladder: [200, 300, 400, 600, 800, 1000, 1200, 1600, 2000] },
  secondsPerRung: 4,
}
const NODES: Steps = { calls: 1000, perSecond: 200, ladder: [100, 200, 300, 400, 600, 800] }
const QUICK_SIGNALLING: SignallingPlan = {
  sipp: { calls: 1500, perSecond: 500, ladder: [2000] },
  engine: { calls: 1000, perSecond: 400, ladder: [400, 800] },
  secondsPerRung: 2,
}
const QUICK_NODES: Steps = { calls: 400, perSecond: 200, ladder: [400] }
const DUPLEX: DuplexPlan = { windowSec: 10, captureSec: 5 }
const QUICK_DUPLEX: DuplexPlan = { windowSec: 2, captureSec: 2 }

async function main(quick: boolean): Promise<void> {
  const loadBefore = loadavg()[0] ?? 0
  const say = (text: string) => process.stderr.write(`${text}\n`)
  const plan = quick ? QUICK_SIGNALLING : SIGNALLING
  say('calls without sound: SIPp to SIPp …')
  const sipp = await measureSipp(plan)
  say('calls without sound: SIPp to us …')
  const inbound = await measureInbound(plan)
  say('calls without sound: us to SIPp …')
  const outbound = await measureOutbound(plan)
  say('set-up time, one call at a time …')
  const setUp = [await measureSetUp(quick ? 300 : 1000, false), await measureSetUp(quick ? 300 : 1000, true)]
  say('calls through the nodes of a Node-RED …')
  const nodeRed = await measureNodeRed({
    nodes: quick ? QUICK_NODES : NODES,
    settleMs: quick ? 6000 : 15_000,
    secondsPerRung: plan.secondsPerRung,
  })
  say('1,000 accounts registered and refreshed …')
  const registrations = await measureRegistrations({ accounts: 1000, expiresSec: quick ? 6 : 20 })
  if (!quick) say('20,000 calls one after the other, for what stays of them …')
  const memory = quick ? null : await measureMemory({ calls: 10_000, perSecond: 250 })
  const duplex: DuplexFigures[] = []
  for (const calls of quick ? [100, 500] : [1, 100, 500, 800]) {
    say(`calls with sound in both directions: ${calls} …`)
    duplex.push(await measureEngineDuplex(calls, quick ? QUICK_DUPLEX : DUPLEX))
  }
  say('calls with sound in both directions: baresip, 100 …')
  const baresip = await measureBaresipDuplex(100, quick ? QUICK_DUPLEX : DUPLEX)

  const machine = `${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), load ${loadBefore.toFixed(1)} when begun`
  console.log(`\nNode ${process.version}, ${machine}\n`)
  console.log(signallingTable(sipp, inbound, outbound, nodeRed))
  console.log(`\n${factLines({ inbound, setUp, nodeRed, registrations, memory }).join('\n')}`)
  console.log(`\n${duplexTable(duplex, baresip)}\n`)
  console.log(
    JSON.stringify({
      bench: 'ringflow',
      quick,
      node: process.version,
      loadBefore,
      sipp,
      inbound,
      outbound,
      setUp,
      nodeRed,
      registrations,
      memory,
      duplex,
      baresip,
    }),
  )
}

/** One line per figure, with its target. */
function factLines(facts: {
  inbound: SignallingFigures
  setUp: SetUpFigures[]
  nodeRed: NodeRedFigures
  registrations: RegistrationFigures
  memory: MemoryFigures | null
}): string[] {
  const { inbound, setUp, nodeRed, registrations, memory } = facts
  const { main, busiest, rest } = inbound.cpuMsByThread
  const of = registrations
  return [
    `SIPp to us, CPU ms per call: SIP and calls ${main.toFixed(2)}, media ports ${busiest.toFixed(2)}, V8's collector and compilers ${rest.toFixed(2)}`,
    ...setUp.map(
      ({ hosted, p50Ms, p99Ms }) =>
        `INVITE to 200, engine in ${hosted ? 'a worker' : "the caller's thread"}: p50 ${p50Ms.toFixed(2)} ms (1.5), p99 ${p99Ms.toFixed(2)} ms`,
    ),
    `Node-RED idle: ${nodeRed.idleMb.toFixed(0)} MB, with the engine up ${nodeRed.engineMb.toFixed(0)} MB more (45)`,
    `accounts registered: ${of.accounts} within ${of.allRegisteredMs.toFixed(0)} ms, ${of.cpuMsPerRegistration.toFixed(2)} ms CPU and ${of.memoryKbPerAccount.toFixed(0)} kB each; ${of.refreshes} refreshes at ${of.cpuMsPerRefresh.toFixed(2)} ms CPU; ${of.registeredAtEnd} registered at the end (1000)`,
    ...(memory ? [`memory that stays: ${memory.kbPer1000Calls.toFixed(1)} kB per 1,000 calls (50)`] : []),
  ]
}

function signallingTable(
  sipp: SignallingFigures,
  inbound: SignallingFigures,
  outbound: SignallingFigures,
  nodeRed: SignallingFigures,
): string {
  const row = (name: string, figures: SignallingFigures) => [
    name,
    figures.cpuMsPerCall.toFixed(2),
    `${(figures.cpuMsPerCall / sipp.cpuMsPerCall).toFixed(1)} x`,
    `${figures.cleanPerSecond}`,
    `${(figures.cleanPerSecond / sipp.cleanPerSecond).toFixed(2)} x`,
    figures.setupP50Ms.toFixed(1),
    figures.setupP99Ms.toFixed(1),
    `${figures.failed}`,
    `${figures.retransmissions}`,
  ]
  return table(
    ['no sound sent', 'CPU ms/call', 'of SIPp', 'clean/s', 'of SIPp', 'set-up p50', 'p99 ms', 'failed', 'retransm.'],
    [row('SIPp to SIPp', sipp), row('SIPp to us', inbound), row('us to SIPp', outbound), row('SIPp to nodes', nodeRed)],
  )
}

function duplexTable(ours: DuplexFigures[], baresip: DuplexFigures): string {
  const row = (name: string, figures: DuplexFigures) => {
    const { calls, failed, cpuPercent, memoryKbPerCall, lateness, own } = figures
    return [
      `${name}, ${calls}`,
      cpuPercent.toFixed(1),
      (cpuPercent / calls).toFixed(2),
      `${(cpuPercent / calls / (baresip.cpuPercent / baresip.calls)).toFixed(2)} x`,
      figures.waitedPercent.toFixed(1),
      `${lateness.late} of ${lateness.packets}`,
      lateness.p99Ms.toFixed(1),
      own ? `${own.late} of ${own.sent}` : '',
      own ? `${own.lost}` : '',
      // The cost of a single call would be lost in the noise of garbage collection.
      calls < 10 ? '' : memoryKbPerCall.toFixed(0),
      `${failed}`,
    ]
  }
  return table(
    [
      'duplex calls',
      '% of core',
      'per call',
      'of baresip',
      'no core %',
      '10 ms late',
      'p99 ms',
      'own count',
      'lost',
      'kB/call',
      'failed',
    ],
    [...ours.map((figures) => row('ringflow', figures)), row('baresip', baresip)],
  )
}

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false } } })
main(values.quick)
  .catch((error: unknown) => {
    console.error(error)
    process.exitCode = 1
  })
  .finally(async () => {
    await stopAllPeers()
    if (process.exitCode) console.error(`logs of the peers: ${peerFolder.path}`)
    else peerFolder.remove()
    // An aborted measurement leaves its engine process running; it ends with this process.
    process.exit()
  })
