/** The media worker's thread. */
import { parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '../../base/clock.js'
import { serveRpc } from '../../base/rpc.js'
import type { EmitMediaEvent, MediaCommands, MediaConnect, MediaEvents, MediaOpen } from '../protocol.js'
import { MediaWorker, type MediaWorkerInit } from './media-worker.js'

if (parentPort) {
  let emit: EmitMediaEvent = () => undefined
  const deps = { clock: systemClock, emit: ((name, data) => emit(name, data)) as EmitMediaEvent }
  const worker = new MediaWorker(deps, workerData as MediaWorkerInit)
  emit = serveRpc<MediaCommands, MediaEvents>(parentPort, worker.commands, {
    batched: true,
    // The engine tells only `open` and `connect` without waiting for a reply.
    failed: (arg, { message }) => emit('failed', { id: (arg as MediaOpen | MediaConnect).id, reason: message }),
  })
}
