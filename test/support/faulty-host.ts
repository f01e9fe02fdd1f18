/**
 * The engine's thread with faults put into it: `{ fault: kind }` makes the next handler of that kind throw instead of doing its
 * work. The engine itself is the real one and knows nothing of it.
 */
import { Socket } from 'node:dgram'
import { parentPort, Worker } from 'node:worker_threads'

export type FaultKind = 'timer' | 'datagram' | 'command' | 'media'

const due = new Map<FaultKind, number>()

function faultOf(kind: FaultKind): void {
  const count = due.get(kind) ?? 0
  if (count === 0) return
  due.set(kind, count - 1)
  parentPort?.postMessage({ ev: 'thrown', d: kind })
  throw new Error(`put into a ${kind}`)
}

/** Listeners of `message` may throw before they are run. */
function infect(
  emitter: { on: (name: string, listener: (...args: never[]) => void) => unknown },
  kind: FaultKind,
): void {
  const { on } = emitter
  emitter.on = function (this: unknown, name, listener) {
    const faulty = (...args: never[]) => {
      faultOf(kind)
      listener(...args)
    }
    return on.call(this as typeof emitter, name, name === 'message' ? faulty : listener)
  }
}

const { setTimeout: schedule } = globalThis
globalThis.setTimeout = Object.assign(
  (run: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) =>
    schedule(() => {
      faultOf('timer')
      run(...args)
    }, ms),
  schedule,
)
parentPort?.on('message', (message: { fault?: FaultKind } | null) => {
  if (!message?.fault) return
  due.set(message.fault, (due.get(message.fault) ?? 0) + 1)
  parentPort?.postMessage({ ev: 'armed', d: message.fault })
})
infect(Socket.prototype as never, 'datagram')
infect(Worker.prototype as never, 'media')
if (parentPort) infect(parentPort as never, 'command')

await import('../../src/engine/host.js')
