/** The figures as text: tables, and one line per figure with its target. */
import type { DuplexFigures } from './duplex.js'
import type { MemoryFigures } from './memory.js'
import type { NodeRedFigures } from './node-red.js'
import type { ChallengedFigures, RegistrationFigures } from './registrations.js'
import type { SetUpFigures } from './set-up-time.js'
import type { SignallingFigures, SippFigures } from './signalling.js'
import { table } from './table.js'
import type { TransportFigures } from './transports.js'

/** Calls without sound, beside the SIPp that does the same work. */
export interface ComparedFigures extends SignallingFigures {
  timesSipp: number
}

/** Of the parts that were run. */
export interface Figures {
  sipp?: SippFigures
  inbound?: ComparedFigures
  outbound?: ComparedFigures
  nodes?: ComparedFigures & NodeRedFigures
  transports?: TransportFigures[]
  setUp?: SetUpFigures[]
  registrations?: RegistrationFigures
  challenged?: ChallengedFigures[]
  memory?: MemoryFigures
  duplex?: { ours: DuplexFigures[]; baresip: DuplexFigures }
}

export function report(figures: Figures): string {
  return [signallingTable(figures), transportTable(figures), factLines(figures).join('\n'), duplexTable(figures)]
    .filter(Boolean)
    .join('\n\n')
}

function signallingTable({ sipp, inbound, outbound, nodes }: Figures): string {
  if (!sipp) return ''
  const row = (name: string, figures: SignallingFigures & { timesSipp?: number }) => [
    name,
    figures.cpuMsPerCall.toFixed(2),
    figures.timesSipp === undefined ? '' : `${figures.timesSipp.toFixed(1)} x`,
    `${figures.cleanPerSecond}`,
    `${(figures.cleanPerSecond / sipp.cleanPerSecond).toFixed(2)} x`,
    figures.setupP50Ms.toFixed(1),
    figures.setupP99Ms.toFixed(1),
    `${figures.failed}`,
    `${figures.retransmissions}`,
    figures.waitedPercent.toFixed(1),
  ]
  return table(
    [
      'no sound sent',
      'CPU ms/call',
      'of SIPp',
      'clean/s',
      'of SIPp',
      'set-up p50',
      'p99 ms',
      'failed',
      'retransm.',
      'no core %',
    ],
    [
      row('SIPp, callee', sipp),
      ['SIPp, caller', sipp.callerCpuMsPerCall.toFixed(2)],
      ...(inbound ? [row('SIPp to us', inbound)] : []),
      ...(outbound ? [row('us to SIPp', outbound)] : []),
      ...(nodes ? [row('SIPp to nodes', nodes)] : []),
    ],
  )
}

function transportTable({ transports }: Figures): string {
  if (!transports) return ''
  return table(
    ['us to us, no sound', 'CPU ms/call, both', 'of UDP', 'clean/s', 'set-up p50', 'p99 ms', 'failed', 'no core %'],
    transports.map((of) => [
      of.protocol === 'tls' ? 'TLS (at most 2 x)' : of.protocol.toUpperCase(),
      of.cpuMsPerCall.toFixed(2),
      `${of.timesUdp.toFixed(2)} x`,
      `${of.cleanPerSecond}`,
      of.setupP50Ms.toFixed(1),
      of.setupP99Ms.toFixed(1),
      `${of.failed}`,
      of.waitedPercent.toFixed(1),
    ]),
  )
}

function factLines({
  inbound,
  outbound,
  nodes,
  setUp = [],
  registrations: of,
  challenged = [],
  memory,
}: Figures): string[] {
  const ladders = Object.entries({ 'SIPp to us': inbound, 'us to SIPp': outbound, 'SIPp to nodes': nodes })
  return [
    ...ladders.flatMap(([name, figures]) => {
      const of = figures?.unclean
      if (!of) return []
      return `${name}, not clean at ${of.wantedPerSecond} a second: ${of.offeredPerSecond.toFixed(0)} offered, ${of.failed} failed, ${of.retransmissions} retransmissions, set-up p99 ${of.setupP99Ms.toFixed(0)} ms, no core ${of.waitedPercent.toFixed(0)} %`
    }),
    ...ladders.slice(0, 2).flatMap(([name, figures]) => {
      if (!figures) return []
      const { main, busiest, rest } = figures.cpuMsByThread
      return `${name}, CPU ms per call: SIP and calls ${main.toFixed(2)}, media ports ${busiest.toFixed(2)}, V8's collector and compilers ${rest.toFixed(2)}`
    }),
    ...setUp.map(
      ({ hosted, p50Ms, p99Ms }) =>
        `INVITE to 200, engine in ${hosted ? 'a worker' : "the caller's thread"}: p50 ${p50Ms.toFixed(2)} ms (1.5), p99 ${p99Ms.toFixed(2)} ms`,
    ),
    ...(nodes
      ? [`Node-RED idle: ${nodes.idleMb.toFixed(0)} MB, with the engine up ${nodes.engineMb.toFixed(0)} MB more (45)`]
      : []),
    ...(of
      ? [
          `accounts registered: ${of.accounts} within ${of.allRegisteredMs.toFixed(0)} ms, ${of.cpuMsPerRegistration.toFixed(2)} ms CPU and ${of.memoryKbPerAccount.toFixed(0)} kB each; ${of.refreshes} refreshes at ${of.cpuMsPerRefresh.toFixed(2)} ms CPU; ${of.registeredAtEnd} registered at the end (1000)`,
        ]
      : []),
    ...challenged.map(
      (at) =>
        `accounts registered at Kamailio by ${at.protocol.toUpperCase()}: ${at.registered} of ${at.accounts} within ${at.allRegisteredMs.toFixed(0)} ms, ${at.cpuMsPerAccount.toFixed(2)} ms CPU and ${at.memoryKbPerAccount.toFixed(0)} kB each`,
    ),
    ...(memory
      ? [
          `memory that stays: ${memory.kbPer1000Calls.toFixed(1)} kB per 1,000 calls (5); ${memory.failed} failed, ${memory.retransmissions} retransmissions`,
        ]
      : []),
  ]
}

function duplexTable({ duplex }: Figures): string {
  if (!duplex) return ''
  const { ours, baresip } = duplex
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
