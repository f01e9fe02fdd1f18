/** Entry of the engine's worker: one engine behind the RPC. */
import { parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '../base/clock.js'
import { TelephonyError } from '../base/errors.js'
import { serveRpc, type Tell } from '../base/rpc.js'
import { createLogger } from '../trace/logger.js'
import { assembleEngine } from './assemble.js'
import { FaultBudget } from './fault-budget.js'
import type { EngineCommands, EngineEvents, EngineInit } from './protocol.js'

const EVENTS = [
  'call',
  'message',
  'peer',
  'subscription',
  'registration',
  'trace',
  'log',
] as const satisfies readonly (keyof EngineEvents)[]
const FAULTS_PER_MINUTE = 20

if (!parentPort) throw new TelephonyError('INTERNAL', 'engine/host.js runs in a worker only')
const init = workerData as EngineInit

let tell: Tell<EngineEvents> | undefined
const log = createLogger({ level: init.logLevel, sink: (level, line) => tell?.('log', { level, line }) })
const engine = assembleEngine(init, log)
const sendEvent = serveRpc<EngineCommands, EngineEvents>(parentPort, engine.commands, { batched: true })
tell = sendEvent
for (const name of EVENTS) engine.on(name, (data) => sendEvent(name, data))

const budget = new FaultBudget({ clock: systemClock }, { perMinute: FAULTS_PER_MINUTE })
/** A fault in one handler must not end all calls: the engine continues, until so many faults have occurred that a restart is better. */
function survive(error: unknown): void {
  log.error({ err: error }, 'an uncaught fault: the engine continues')
  if (budget.take()) return
  sendEvent.flush()
  process.exit(1)
}
process.on('uncaughtException', survive)
process.on('unhandledRejection', survive)

sendEvent('engine', { state: 'up', reason: '' })
