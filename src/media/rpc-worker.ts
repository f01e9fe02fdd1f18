import { type ResourceLimits, Worker, type WorkerOptions } from 'node:worker_threads'
import { TelephonyError } from '../base/errors.js'
import { type Commands, RpcClient } from '../base/rpc.js'

export type StartThread = (entry: URL, options: WorkerOptions) => Worker
export const startThread: StartThread = (entry, options) => new Worker(entry, options)

export interface RpcWorkerInit<E> {
  entry: URL
  name: string
  workerData?: unknown
  resourceLimits?: ResourceLimits
  onEvent: <Name extends keyof E & string>(name: Name, data: E[Name]) => void
  /** Called once, but not after `terminate`. */
  onDied: (reason: string) => void
}

/** A thread with the RPC to it. It keeps the process alive only while it has holders. */
export class RpcWorker<C extends Commands, E extends { [name: string]: unknown }> {
  readonly rpc: RpcClient<C, E>
  readonly #worker: Worker
  readonly #onDied: (reason: string) => void
  #holders = 0
  #over = false
  #terminating: Promise<void> | undefined

  constructor(deps: { startThread: StartThread }, init: RpcWorkerInit<E>) {
    this.#worker = deps.startThread(init.entry, {
      name: init.name,
      workerData: init.workerData,
      ...(init.resourceLimits ? { resourceLimits: init.resourceLimits } : {}),
      // Flags of the process (`--input-type`, test runners) must not reach this thread.
      execArgv: [],
    })
    this.#worker.unref()
    this.#onDied = init.onDied
    this.rpc = new RpcClient<C, E>(this.#worker, init.onEvent, { batched: true })
    this.#worker.on('error', (error) => this.#died(error instanceof Error ? error.message : String(error)))
    this.#worker.on('exit', (code) => this.#died(`exit code ${code}`))
  }

  get alive(): boolean {
    return !this.#over
  }

  /** Number of users; the worker with the fewest gets the next call. */
  get holders(): number {
    return this.#holders
  }

  /** Returns the function that releases the worker. */
  hold(): () => void {
    if (this.#holders++ === 0) this.#worker.ref()
    let held = true
    return () => {
      if (!held) return
      held = false
      if (--this.#holders === 0) this.#worker.unref()
    }
  }

  #died(reason: string): void {
    if (this.#over) return
    this.#over = true
    this.rpc.close(new TelephonyError('MEDIA_WORKER_DIED', `media thread: ${reason}`))
    this.#onDied(reason)
  }

  /** Idempotent. */
  terminate(): Promise<void> {
    this.#over = true
    this.rpc.close(new TelephonyError('CLOSED', 'media is closed'))
    this.#terminating ??= this.#worker.terminate().then(() => undefined)
    return this.#terminating
  }
}
