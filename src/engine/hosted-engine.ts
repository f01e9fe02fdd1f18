import type { Worker } from 'node:worker_threads'
import { backoffMs } from '../base/backoff.js'
import { type Clock, systemClock, type Timer } from '../base/clock.js'
import { within } from '../base/deadline.js'
import { TelephonyError } from '../base/errors.js'
import { randomBetween } from '../base/ids.js'
import { RecentSet } from '../base/recent-set.js'
import { RpcClient } from '../base/rpc.js'
import { TypedEmitter } from '../base/typed-emitter.js'
import { OpenCalls } from '../cdr/open-calls.js'
import { type StartThread, startThread } from '../media/rpc-worker.js'
import type { Engine, EngineCommands, EngineEvents, EngineInit } from './protocol.js'
import { SetupCommands } from './setup-commands.js'

type EventTuples = { [Name in keyof EngineEvents]: [data: EngineEvents[Name]] }
type Client = RpcClient<EngineCommands, EngineEvents>

/** Restarts quickly after a single crash, more and more slowly after repeated ones. */
const RESPAWN = { baseMs: 250, maxMs: 30_000, floor: 1 }
/** After this time a start counts as successful. */
const HEALTHY_MS = 30_000
/** How long commands wait for a restart. */
const WAIT_FOR_RESTART_MS = 5_000
/** `shutdown` takes at most 3 s, and closing sockets and threads at most 3 s more. */
const CLOSE_MS = 6_500
/** Limit of the remembered ids of calls that ended with a crash of the engine. */
const MAX_INTERRUPTED = 10_000
const HOST = new URL('./host.js', import.meta.url)

interface HostedEngineDeps {
  clock: Clock
  startThread: StartThread
}

const REAL: HostedEngineDeps = { clock: systemClock, startThread }

/** An engine in its own worker. When the worker dies, a new one gets the accounts and rules, and open calls are reported as ended. */
export class HostedEngine extends TypedEmitter<EventTuples> implements Engine {
  readonly #init: EngineInit
  readonly #deps: HostedEngineDeps
  readonly #clock: Clock
  readonly #setup = new SetupCommands()
  readonly #open = new OpenCalls()
  readonly #interrupted = new RecentSet<string>(MAX_INTERRUPTED)
  #worker: Worker | undefined
  /** Set while the engine runs. */
  #client: Client | undefined
  #up: Promise<Client>
  #deaths = 0
  #respawn: Timer | undefined
  #closing: Promise<void> | undefined

  private constructor(deps: HostedEngineDeps, init: EngineInit) {
    super()
    this.#deps = deps
    this.#init = init
    this.#clock = deps.clock
    this.#up = this.#spawn()
  }

  /** Rejects if the worker cannot start at all. */
  static async start(init: EngineInit, deps: HostedEngineDeps = REAL): Promise<HostedEngine> {
    const engine = new HostedEngine(deps, init)
    try {
      await engine.#up
      return engine
    } catch (error) {
      await engine.close()
      throw error
    }
  }

  async call<Op extends keyof EngineCommands>(
    op: Op,
    arg: Parameters<EngineCommands[Op]>[0],
  ): Promise<Awaited<ReturnType<EngineCommands[Op]>>> {
    if (this.#closing) throw new TelephonyError('CLOSED', 'the telephony engine has been stopped')
    // Noted before the command runs: if it fails now (port in use), it is tried again after a restart.
    this.#setup.note(op, arg)
    this.#refuseInterrupted(arg)
    const client = this.#client ?? (await this.#waitUntilUp())
    return (await client.call(op, arg as never)) as Awaited<ReturnType<EngineCommands[Op]>>
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /** Ends the thread like a crash. For tests. */
  async crash(): Promise<void> {
    await this.#worker?.terminate()
  }

  async #close(): Promise<void> {
    this.#respawn?.cancel()
    const worker = this.#worker
    this.#up.catch(() => {})
    if (!worker) return
    const shutDown = this.#up.then((client) => client.call('shutdown', null))
    await within(CLOSE_MS, shutDown, this.#clock)
    await worker.terminate()
    this.removeAllListeners()
  }

  #spawn(): Promise<Client> {
    // Flags of the process (`--input-type`, test runners) must not reach this thread.
    const worker = this.#deps.startThread(HOST, { workerData: this.#init, name: 'ringflow-engine', execArgv: [] })
    const startedMs = this.#clock.now()
    this.#worker = worker
    let fault = ''
    return new Promise((resolve, reject) => {
      const client: Client = new RpcClient<EngineCommands, EngineEvents>(worker, (name, data) => {
        if (name === 'engine') {
          this.#client = client
          resolve(client)
          this.#tell('engine', data as EngineEvents['engine'])
        } else {
          this.#hear(name, data)
        }
      })
      worker.on('error', (error) => {
        fault = error.message
      })
      worker.once('exit', (code) => {
        const reason = fault || `the engine's thread ended with code ${code}`
        const died = new TelephonyError('ENGINE_DIED', `the telephony engine stopped: ${reason}`)
        client.close(died)
        reject(died)
        if (this.#worker === worker && !this.#closing) this.#died(reason, this.#clock.now() - startedMs)
      })
    })
  }

  #died(reason: string, livedMs: number): void {
    this.#worker = undefined
    this.#client = undefined
    this.#deaths = livedMs > HEALTHY_MS ? 1 : this.#deaths + 1
    const waitMs = this.#deaths === 1 ? 0 : backoffMs(RESPAWN, this.#deaths - 2, randomBetween)
    this.#up = new Promise((resolve, reject) => {
      this.#respawn = this.#clock.setTimeout(() => this.#restart().then(resolve, reject), waitMs)
    })
    this.#up.catch(() => {}) // the next crash makes a new promise
    this.#tell('engine', { state: 'failed', reason })
    for (const event of this.#open.interrupt(this.#clock.wall(), reason)) {
      this.#interrupted.add(event.callId)
      this.#tell('call', event)
    }
  }

  async #restart(): Promise<Client> {
    const client = await this.#spawn()
    for (const commands of this.#setup.commands()) void this.#repeat(client, commands)
    return client
  }

  async #repeat(client: Client, commands: [op: keyof EngineCommands, arg: unknown][]): Promise<void> {
    for (const [op, arg] of commands) {
      try {
        await client.call(op, arg as never)
      } catch (error) {
        const msg = `after a restart, ${op} failed: ${TelephonyError.from(error).message}`
        this.#tell('log', { level: 'error', line: JSON.stringify({ level: 50, time: this.#clock.wall(), msg }) })
      }
    }
  }

  #hear<Name extends keyof EngineEvents>(name: Name, data: EngineEvents[Name]): void {
    if (name === 'call') this.#open.observe(data as EngineEvents['call'])
    this.#tell(name, data)
  }

  /** An exception in one listener does not stop the others. */
  #tell<Name extends keyof EngineEvents>(name: Name, data: EngineEvents[Name]): void {
    try {
      this.emit(name, ...([data] as EventTuples[Name]))
    } catch (error) {
      process.emitWarning(TelephonyError.from(error), { detail: `thrown by a listener of “${name}”` })
    }
  }

  async #waitUntilUp(): Promise<Client> {
    const up = this.#up
    if (!(await within(WAIT_FOR_RESTART_MS, up, this.#clock))) {
      throw new TelephonyError(
        'ENGINE_DIED',
        'the telephony engine has stopped and is being restarted. Try again in a few seconds',
      )
    }
    return up
  }

  #refuseInterrupted(arg: unknown): void {
    const callId = (arg as { callId?: unknown } | null)?.callId
    if (typeof callId === 'string' && this.#interrupted.has(callId)) {
      throw new TelephonyError('CALL_ENDED', 'the call ended when the telephony engine was restarted')
    }
  }
}
