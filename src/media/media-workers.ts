import { availableParallelism } from 'node:os'
import type { Clock } from '../base/clock.js'
import { TelephonyError } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import { TransientMap } from '../base/transient-map.js'
import type { MediaService, MediaSession, MediaSessionInit, PacketListener } from './media-session.js'
import { type MediaLoad, MediaThread } from './media-thread.js'
import type {
  AssetCommands,
  CodecName,
  EncodedPrompt,
  MediaCallEvents,
  MediaOpen,
  MediaTap,
  PortRange,
  PromptFigures,
  PromptSource,
} from './protocol.js'
import { RemoteMediaSession, type RemoteMediaSessionInit } from './remote-media-session.js'
import { RpcWorker, type StartThread } from './rpc-worker.js'

export interface MediaServiceInit {
  /** Limit of media workers. Default: cores - 1, but at least one. */
  workers?: number
  /** Another worker starts when every running worker has this many calls. */
  callsPerWorker?: number
  /** Default: 5 s (RFC 3550 6.2). */
  rtcpIntervalMs?: number
}

/** Limit of the wait for a worker that does not answer. */
const CLOSE_WITHIN_MS = 2000
const OPEN_ATTEMPTS = 2
/** A fifth of a core. In measurements a worker carried 500 calls without gaps, but not 800. */
const CALLS_PER_WORKER = 200
const defaults = (): Required<MediaServiceInit> => ({
  workers: Math.max(1, availableParallelism() - 1),
  callsPerWorker: CALLS_PER_WORKER,
  rtcpIntervalMs: 5000,
})

/** The media service with its load figures. */
export interface MediaPool extends MediaService {
  /** One entry per media worker: CPU time, calls, delays. */
  load(): Promise<MediaLoad[]>
  /** Figures of the prompt cache, all zero before the first prompt. */
  prompts(): Promise<PromptFigures>
}

/** Events that the log shows, as sentences. */
const PROBLEMS: { readonly [Name in keyof MediaCallEvents]?: (data: MediaCallEvents[Name]) => string } = {
  warning: ({ message }) => message,
  failed: ({ reason }) => reason,
  trouble: ({ trouble }) => trouble.text,
}
type AssetThread = RpcWorker<AssetCommands, Record<string, never>>

export interface MediaServiceDeps {
  log: Logger
  clock: Clock
  startThread: StartThread
}

/** Starts workers when they are needed and hides them from the calls. */
export class MediaWorkers implements MediaPool {
  readonly #deps: MediaServiceDeps
  readonly #init: Required<MediaServiceInit>
  readonly #threads = new Set<MediaThread>()
  readonly #sessions = new TransientMap<string, RemoteMediaSession>()
  readonly #opening = new Set<string>()
  readonly #recordingTo = new Set<string>()
  #assets: AssetThread | undefined
  #tap: { tap: MediaTap; hear: PacketListener } | undefined
  #closing: Promise<void> | undefined

  constructor(deps: MediaServiceDeps, init: MediaServiceInit = {}) {
    this.#deps = deps
    this.#init = { ...defaults(), ...init }
  }

  async open({ id, address, portMin, portMax, preferredCodec = 'PCMA' }: MediaSessionInit): Promise<MediaSession> {
    if (this.#closing) throw new TelephonyError('CLOSED', 'media is closed')
    if (this.#sessions.has(id) || this.#opening.has(id)) {
      throw new TelephonyError('BAD_ARGUMENT', `the call ${id} already has media`)
    }
    const thread = this.#leastLoaded()
    const leasedPort = thread.leases.take({ address, portMin, portMax })
    if (leasedPort === undefined) return this.#openAtAny({ id, address, portMin, portMax }, preferredCodec)
    // No answer is awaited: the worker has bound the ports already.
    const unsentOpen = { id, address, portMin, portMax, leasedPort }
    const local = { host: address, port: leasedPort, rtcpPort: leasedPort + 1 }
    return this.#add(thread, thread.hold(), { id, local, codec: preferredCodec, unsentOpen })
  }

  /** If a worker dies during the setup of a call, another worker takes the call. */
  async #openAtAny(open: MediaOpen, codec: CodecName): Promise<MediaSession> {
    this.#opening.add(open.id)
    try {
      for (let attempt = 1; ; attempt++) {
        const thread = this.#leastLoaded()
        const release = thread.hold()
        try {
          const { port, rtcpPort } = await this.#withPorts(open, () => thread.rpc.call('open', open))
          return this.#add(thread, release, { id: open.id, local: { host: open.address, port, rtcpPort }, codec })
        } catch (error) {
          release()
          const died = TelephonyError.from(error).code === 'MEDIA_WORKER_DIED'
          if (!died || attempt === OPEN_ATTEMPTS || this.#closing) throw error
        }
      }
    } finally {
      this.#opening.delete(open.id)
    }
  }

  #add(thread: MediaThread, release: () => void, init: RemoteMediaSessionInit): RemoteMediaSession {
    const session = new RemoteMediaSession(
      {
        rpc: thread.rpc,
        prompt: (source, codec) => this.#prompt(source, codec),
        withPorts: (range, request) => this.#withPorts(range, request),
        recordingTo: this.#recordingTo,
        onClosed: () => {
          release()
          this.#sessions.delete(init.id)
        },
      },
      init,
    )
    this.#sessions.set(init.id, session)
    if (this.#tap) void session.tap(this.#tap.tap)
    return session
  }

  /** Repeats a request for ports that found none after all workers have closed the pairs that no call uses. */
  async #withPorts<T>({ portMin, portMax }: PortRange, request: () => Promise<T>): Promise<T> {
    try {
      return await request()
    } catch (error) {
      if (TelephonyError.from(error).code !== 'NO_PORTS') throw error
      await Promise.all([...this.#threads].map((thread) => thread.freePorts({ portMin, portMax })))
      return request()
    }
  }

  #leastLoaded(): MediaThread {
    let best: MediaThread | undefined
    for (const thread of this.#threads) if (!best || thread.holders < best.holders) best = thread
    const isLight = best && best.holders < this.#init.callsPerWorker
    if (best && (isLight || this.#threads.size >= this.#init.workers)) return best
    return this.#startThread()
  }

  #startThread(): MediaThread {
    const thread = new MediaThread(this.#deps, {
      rtcpIntervalMs: this.#init.rtcpIntervalMs,
      onEvent: (name, data) => this.#hear(name, data),
      onDied: (reason) => {
        this.#deps.log.error({ reason }, 'a media worker died: its calls end, the next call starts a new worker')
        this.#threads.delete(thread)
        for (const session of [...this.#sessions.values()]) {
          if (session.runsOn(thread.rpc)) session.fail(`media worker: ${reason}`)
        }
      },
    })
    this.#threads.add(thread)
    return thread
  }

  /** An exception in a listener must not end the engine's thread. */
  #hear<Name extends keyof MediaCallEvents & string>(name: Name, data: MediaCallEvents[Name]): void {
    const problem = PROBLEMS[name]?.(data)
    if (problem !== undefined) this.#deps.log.warn({ callId: data.id }, `media: ${problem}`)
    try {
      const session = this.#sessions.get(data.id)
      if ('packets' in data && session) this.#tap?.hear(data, session.local)
      session?.hear(name, data)
    } catch (err) {
      this.#deps.log.error({ err, event: name, callId: data.id }, 'a listener of a media event threw')
    }
  }

  async #prompt(source: PromptSource, codec: CodecName): Promise<EncodedPrompt> {
    this.#assets ??= this.#startAssets()
    const assets = this.#assets
    const release = assets.hold()
    try {
      return (await assets.rpc.call('prompt', { source, codec })).prompt
    } finally {
      release()
    }
  }

  #startAssets(): AssetThread {
    const assets: AssetThread = new RpcWorker<AssetCommands, Record<string, never>>(this.#deps, {
      entry: new URL('./worker/asset-entry.js', import.meta.url),
      name: 'ringflow-assets',
      onEvent: () => undefined,
      onDied: (reason) => {
        this.#deps.log.error({ reason }, 'the asset worker died: the next prompt starts a new worker')
        if (this.#assets === assets) this.#assets = undefined
      },
    })
    return assets
  }

  async tap(tap: MediaTap | null, hear: PacketListener = () => undefined): Promise<void> {
    this.#tap = tap ? { tap, hear } : undefined
    await Promise.all([...this.#sessions.values()].map((session) => session.tap(tap)))
  }

  async flushTaps(): Promise<void> {
    if (this.#tap) await Promise.all([...this.#sessions.values()].map((session) => session.flushTap()))
  }

  async prompts(): Promise<PromptFigures> {
    const none = { prompts: 0, octets: 0, requests: 0, made: 0 }
    return this.#assets ? this.#assets.rpc.call('figures', null) : none
  }

  load(): ReturnType<MediaPool['load']> {
    return Promise.all([...this.#threads].map((thread) => thread.load()))
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const sessions = [...this.#sessions.values()]
    await this.#within(CLOSE_WITHIN_MS, Promise.all(sessions.map((session) => session.close())))
    for (const session of this.#sessions.values()) session.fail('media did not close in time')
    await Promise.all([...this.#threads, ...(this.#assets ? [this.#assets] : [])].map((thread) => thread.terminate()))
    this.#threads.clear()
  }

  #within(ms: number, done: Promise<unknown>): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#deps.clock.setTimeout(resolve, ms)
      done.finally(() => {
        timer.cancel()
        resolve()
      })
    })
  }
}
