/** Derives from Node-RED's events whether its flows run, a deploy is under way (calls survive it), or they stop (calls end). */
import { TypedEmitter } from '../../src/base/typed-emitter.js'

type Phase =
  | 'running'
  | 'closing' // a deploy is closing nodes
  | 'starting' // nodes are being created, by a deploy or at the start
  | 'stopped' // Stop, Restart flows, SIGTERM

type DeployEvents = {
  /** The flows stop, and may not start again. */
  stop: []
  /** The nodes of the new flows exist. */
  started: []
}

/** Not documented by Node-RED, but tested here: the event of a deploy has the difference of the flows, that of any other stop does not. */
export function isDeploy(stopping: unknown): boolean {
  const diff = (stopping as { diff?: unknown } | undefined)?.diff
  return typeof diff === 'object' && diff !== null && 'globalConfigChanged' in diff
}

interface RedEvents {
  on(name: string, listener: (event: unknown) => void): unknown
}

export class Deploys extends TypedEmitter<DeployEvents> {
  readonly #watched = new WeakSet<RedEvents>()
  #phase: Phase = 'running'
  #waiting: (() => void)[] = []

  get phase(): Phase {
    return this.#phase
  }

  /** Called by every node module; listens only once per Node-RED. */
  watch(events: RedEvents): void {
    if (this.#watched.has(events)) return
    this.#watched.add(events)
    events.on('flows:stopping', (event) => this.#stopping(isDeploy(event)))
    events.on('flows:stopped', () => this.#stopped())
    events.on('flows:starting', () => this.#starting())
    events.on('flows:started', () => this.#started())
  }

  /** Resolves when no deploy is under way and all nodes exist. */
  settled(): Promise<void> {
    if (this.#phase === 'running' || this.#phase === 'stopped') return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  #stopping(deploy: boolean): void {
    this.#phase = deploy ? 'closing' : 'stopped'
    if (deploy) return
    this.emit('stop')
    this.#release()
  }

  #stopped(): void {
    if (this.#phase === 'closing') this.#phase = 'starting'
  }

  #starting(): void {
    this.#phase = 'starting'
  }

  #started(): void {
    this.#phase = 'running'
    this.emit('started')
    this.#release()
  }

  #release(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resume of waiting) resume()
  }
}
