/** The only engine of this process. It starts when the first account needs it and ends when Node-RED stops its flows. */

import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Clock, systemClock } from '../../src/base/clock.js'
import { within } from '../../src/base/deadline.js'
import type { Engine, EngineCommands, EngineEvents, EngineInit, MediaFiles } from '../../src/engine/protocol.js'
import { TelephonyError } from './errors.js'
import type { RED, RingflowSettings } from './red.js'

export type StartEngine = (init: EngineInit) => Promise<Engine>

/** Node-RED waits up to 15 s for a node to close. A dead peer must not use all of that time. */
const STOP_LIMIT_MS = 3_000

const hosted: StartEngine = async (init) => (await import('../../src/engine/client.js')).startHostedEngine(init)

type EventName = keyof EngineEvents
type Listener<Name extends EventName> = (data: EngineEvents[Name]) => void

export class SharedEngine {
  readonly #clock: Clock
  #start: StartEngine = hosted
  readonly #listeners: [EventName, Listener<never>][] = []
  #init: EngineInit | undefined
  #running: Promise<Engine> | undefined
  /** Resolves when the previous engine has closed its sockets. */
  #closed: Promise<unknown> = Promise.resolve()
  #stopping: Promise<void> = Promise.resolve()
  #failed = false

  constructor(deps: { clock: Clock } = { clock: systemClock }) {
    this.#clock = deps.clock
  }

  /** Listens to each engine from its start on. */
  on<Name extends EventName>(name: Name, listener: Listener<Name>): void {
    this.#listeners.push([name, listener])
  }

  /** The engine died and has not restarted yet. */
  get failed(): boolean {
    return this.#failed
  }

  /** The folders of files. The first node that is loaded sets them. */
  configure(init: EngineInit): void {
    this.#init = init
  }

  /** Tests replace the engine here, before the first account. */
  startWith(start: StartEngine | null): void {
    this.#start = start ?? hosted
  }

  /** Starts the engine if it does not run. After a failed start the next account tries again. */
  start(): Promise<Engine> {
    if (this.#running) return this.#running
    const running = this.#begin()
    this.#running = running
    running.catch(() => {
      if (this.#running === running) this.#running = undefined
    })
    return running
  }

  async call<Op extends keyof EngineCommands>(
    op: Op,
    arg: Parameters<EngineCommands[Op]>[0],
  ): Promise<Awaited<ReturnType<EngineCommands[Op]>>> {
    if (!this.#running)
      throw new TelephonyError('CLOSED', 'no account is in use, so the telephony engine is not running')
    const engine = await this.#running
    return engine.call(op, arg)
  }

  /** The files that nodes can play by name. Works without an engine, which does not run while no account is in use. */
  async mediaFiles(): Promise<MediaFiles> {
    const { mediaFiles } = await import('../../src/engine/client.js')
    return mediaFiles(this.#init?.mediaRoots ?? [])
  }

  /** Sends BYE, CANCEL and un-REGISTER, then ends the threads; gives up after 3 s. Idempotent. */
  stop(): Promise<void> {
    const running = this.#running
    this.#running = undefined
    this.#failed = false
    if (running) {
      this.#closed = running.then((engine) => engine.close()).catch(() => undefined)
      this.#stopping = within(STOP_LIMIT_MS, this.#closed, this.#clock).then(() => undefined)
    }
    return this.#stopping
  }

  async #begin(): Promise<Engine> {
    await this.#closed
    if (!this.#init) throw new TelephonyError('INTERNAL', 'the telephony engine was not configured')
    try {
      const engine = await this.#start(this.#init)
      engine.on('engine', ({ state }) => {
        this.#failed = state === 'failed'
      })
      for (const [name, listener] of this.#listeners) engine.on(name, listener as Listener<EventName>)
      return engine
    } catch (error) {
      throw TelephonyError.from(error, 'ENGINE_DIED')
    }
  }
}

/** Folder of the WAV files that come with the pack. This file runs as dist/nodes/shared/engine.js. */
const OWN_MEDIA = fileURLToPath(new URL('../../../examples/media', import.meta.url))

/** File for the records of calls that a stop ended. Node-RED always has a user directory; tests do not. */
export function unsentPath(RED: RED): string | undefined {
  const { userDir } = RED.settings as unknown as { userDir?: string }
  return userDir ? join(resolve(userDir), 'ringflow', 'unsent-records.jsonl') : undefined
}

/** Node-RED's user directory; relative file names are below it. */
export const userDirOf = (RED: RED): string =>
  resolve((RED.settings as unknown as { userDir?: string }).userDir ?? process.cwd())

export function engineInit(RED: RED): EngineInit {
  const settings = RED.settings as unknown as { ringflow?: RingflowSettings }
  const userDir = userDirOf(RED)
  const ours = settings.ringflow ?? {}
  const folders = [ours.mediaFolders ?? []].flat().map((folder) => resolve(userDir, folder))
  return {
    mediaRoots: [...folders, join(userDir, 'ringflow', 'media'), OWN_MEDIA],
    recordRoot: resolve(userDir, ours.recordingFolder ?? join('ringflow', 'recordings')),
    logLevel: ours.logLevel ?? 'warn',
    dnsServers: [ours.dnsServers ?? []].flat(),
  }
}
