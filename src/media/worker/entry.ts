/** The media worker's thread. */
import { parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '../../base/clock.js'
import { serveRpc } from '../../base/rpc.js'
import type { MediaCommands, MediaEvents } from '../protocol.js'
import { MediaWorker, type MediaWorkerInit } from './media-worker.js'
import type { Tell } from './session.js'

if (parentPort) {
  let tell: Tell = () => undefined
  const deps = { clock: systemClock, tell: ((name, data) => tell(name, data)) as Tell }
  const worker = new MediaWorker(deps, workerData as MediaWorkerInit)
  tell = serveRpc<MediaCommands, MediaEvents>(parentPort, worker.commands, { batched: true })
}
