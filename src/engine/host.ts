/** The worker's entry: one engine behind the RPC. */
import { parentPort, workerData } from 'node:worker_threads'
import { TelephonyError } from '../base/errors.js'
import { serveRpc } from '../base/rpc.js'
import { createLogger } from '../trace/logger.js'
import { assembleEngine } from './assemble.js'
import type { EngineCommands, EngineEvents, EngineInit } from './protocol.js'

/** More faults than this within a minute and something is broken for good: a fresh engine is better. */
const MAX_FAULTS_PER_MINUTE = 20
const EVENTS = ['call', 'registration', 'trace', 'log'] as const satisfies readonly (keyof EngineEvents)[]

if (!parentPort) throw new TelephonyError('INTERNAL', 'engine/host.js runs in a worker only')
const port = parentPort
const init = workerData as EngineInit

let tell: ReturnType<typeof serveRpc<EngineCommands, EngineEvents>> = () => {}
const log = createLogger({ level: init.logLevel, sink: (level, line) => tell('log', { level, line }) })
const engine = assembleEngine(init, log)
tell = serveRpc<EngineCommands, EngineEvents>(port, engine.commands)
for (const name of EVENTS) engine.on(name, (data) => tell(name, data))

let faults: number[] = []
function survive(error: unknown): void {
  const nowMs = performance.now()
  faults = [...faults.filter((atMs) => nowMs - atMs < 60_000), nowMs]
  log.error({ err: error }, 'a fault that nobody caught: the engine goes on')
  if (faults.length > MAX_FAULTS_PER_MINUTE) process.exit(1)
}
process.on('uncaughtException', survive)
process.on('unhandledRejection', survive)

tell('engine', { state: 'up', reason: '' })
