import { PortLeases } from './port-leases.js'
import type { MediaCallEvents, MediaCommands, MediaEvents } from './protocol.js'
import { RpcWorker, type StartThread } from './rpc-worker.js'

/**
 * Packets are short-lived: by default V8 collects them only after 48 MB. With this limit it collects about five times a second at 500 calls,
 * for less than 2 ms each time, and a call takes 80 kB instead of 120 kB.
 */
const RESOURCE_LIMITS = { maxYoungGenerationSizeMb: 8 }

/** CPU time in ms, calls, and delays of a media worker. */
export type MediaLoad = Awaited<ReturnType<MediaCommands['load']>> & { calls: number }

export interface MediaThreadInit {
  rtcpIntervalMs: number
  onEvent: <Name extends keyof MediaCallEvents & string>(name: Name, data: MediaCallEvents[Name]) => void
  /** Called once, but not after `terminate`. */
  onDied: (reason: string) => void
}

/** A media worker as the engine sees it, with the ports that it has leased to the engine. */
export class MediaThread {
  readonly #worker: RpcWorker<MediaCommands, MediaEvents>
  readonly leases: PortLeases

  constructor(deps: { startThread: StartThread }, { rtcpIntervalMs, onEvent, onDied }: MediaThreadInit) {
    this.#worker = new RpcWorker<MediaCommands, MediaEvents>(deps, {
      entry: new URL('./worker/entry.js', import.meta.url),
      name: 'ringflow-media',
      workerData: { rtcpIntervalMs },
      resourceLimits: RESOURCE_LIMITS,
      onEvent: (name, data) => {
        if ('keep' in data) this.leases.recall(data)
        else onEvent(name as keyof MediaCallEvents, data)
      },
      onDied,
    })
    this.leases = new PortLeases(this.#worker.rpc)
  }

  get rpc(): RpcWorker<MediaCommands, MediaEvents>['rpc'] {
    return this.#worker.rpc
  }

  /** Number of calls. */
  get holders(): number {
    return this.#worker.holders
  }

  hold(): () => void {
    return this.#worker.hold()
  }

  async load(): Promise<MediaLoad> {
    return { ...(await this.rpc.call('load', null)), calls: this.holders }
  }

  /** Closes the pairs of this port range that no call uses. */
  async freePorts(range: { portMin: number; portMax: number }): Promise<void> {
    await this.leases.returnAll(range)
    await this.rpc.call('freePorts', range).catch(() => undefined)
  }

  terminate(): Promise<void> {
    return this.#worker.terminate()
  }
}
