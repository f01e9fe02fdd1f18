/** The engine's side of media: workers start when first needed, and calls do not see which one they are on. */
import { type Clock, systemClock } from '../base/clock.js'
import { TelephonyError } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import type { MediaService, MediaSession, MediaSessionInit } from './media-session.js'
import type { AssetCommands, CodecName, EncodedPrompt, MediaCommands, MediaEvents, PromptSource } from './protocol.js'
import { RemoteMediaSession } from './remote-session.js'
import { RpcWorker, type StartThread, startThread } from './rpc-worker.js'

export type { MediaPlayback, MediaRecording, MediaService, MediaSession, MediaSessionEvents } from './media-session.js'

export interface MediaServiceInit {
  /** Media workers at most; one more starts when all that run have calls. */
  workers?: number
  /** RFC 3550 6.2: 5 s. */
  rtcpIntervalMs?: number
}

/** A worker that does not answer is not waited for. */
const CLOSE_WITHIN_MS = 2000
const DEFAULTS = { workers: 1, rtcpIntervalMs: 5000 } as const

type MediaThread = RpcWorker<MediaCommands, MediaEvents>
type AssetThread = RpcWorker<AssetCommands, Record<string, never>>

export interface MediaServiceDeps {
  log: Logger
  clock?: Clock
  /** How threads come to be; tests hold them and end them. */
  startThread?: StartThread
}

export function startMediaService(
  deps: MediaServiceDeps,
  init: MediaServiceInit = {},
): MediaService & { load: MediaWorkers['load'] } {
  return new MediaWorkers({ clock: systemClock, startThread, ...deps }, { ...DEFAULTS, ...init })
}

class MediaWorkers implements MediaService {
  readonly #deps: Required<MediaServiceDeps>
  readonly #init: Required<MediaServiceInit>
  readonly #threads = new Set<MediaThread>()
  readonly #sessions = new Map<string, RemoteMediaSession>()
  readonly #opening = new Set<string>()
  #assets: AssetThread | undefined
  #closing: Promise<void> | undefined

  constructor(deps: Required<MediaServiceDeps>, init: Required<MediaServiceInit>) {
    this.#deps = deps
    this.#init = init
  }

  async open({ preferredCodec = 'PCMA', ...open }: MediaSessionInit): Promise<MediaSession> {
    if (this.#closing) throw new TelephonyError('CLOSED', 'media is closed')
    if (this.#sessions.has(open.id) || this.#opening.has(open.id)) {
      throw new TelephonyError('BAD_ARGUMENT', `call ${open.id} has media already`)
    }
    const thread = this.#leastLoaded()
    const release = thread.hold()
    this.#opening.add(open.id)
    try {
      const opened = await thread.rpc.call('open', open)
      const session = new RemoteMediaSession(
        {
          rpc: thread.rpc,
          prompt: (source, codec) => this.#prompt(source, codec),
          onClosed: () => {
            release()
            this.#sessions.delete(open.id)
          },
        },
        {
          id: open.id,
          local: { host: open.address, port: opened.port, rtcpPort: opened.rtcpPort },
          codec: preferredCodec,
        },
      )
      this.#sessions.set(open.id, session)
      return session
    } catch (error) {
      release()
      throw error
    } finally {
      this.#opening.delete(open.id)
    }
  }

  #leastLoaded(): MediaThread {
    const [best] = [...this.#threads].sort((a, b) => a.holders - b.holders)
    if (best && (best.holders === 0 || this.#threads.size >= this.#init.workers)) return best
    return this.#startThread()
  }

  #startThread(): MediaThread {
    const thread: MediaThread = new RpcWorker<MediaCommands, MediaEvents>(this.#deps, {
      entry: new URL('./worker/entry.js', import.meta.url),
      name: 'ringflow-media',
      workerData: { rtcpIntervalMs: this.#init.rtcpIntervalMs },
      onEvent: (name, data) => this.#hear(name, data),
      onDied: (reason) => {
        this.#deps.log.error({ reason }, 'a media worker died; its calls end, the next call starts another one')
        this.#threads.delete(thread)
        for (const session of [...this.#sessions.values()]) {
          if (session.runsOn(thread.rpc)) session.fail(`media worker: ${reason}`)
        }
      },
    })
    this.#threads.add(thread)
    return thread
  }

  /** A listener that throws must not take the engine's thread with it. */
  #hear<Name extends keyof MediaEvents & string>(name: Name, data: MediaEvents[Name]): void {
    if (name === 'warning' || name === 'failed') this.#deps.log.warn({ callId: data.id, ...data }, `media: ${name}`)
    try {
      this.#sessions.get(data.id)?.hear(name, data)
    } catch (err) {
      this.#deps.log.error({ err, event: name, callId: data.id }, 'a listener of a media event failed')
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
        this.#deps.log.error({ reason }, 'the asset worker died; the next prompt starts another one')
        if (this.#assets === assets) this.#assets = undefined
      },
    })
    return assets
  }

  /** One line per media worker: CPU time, calls, how well it kept time. */
  load(): Promise<Awaited<ReturnType<MediaCommands['load']>>[]> {
    return Promise.all([...this.#threads].map((thread) => thread.rpc.call('load', null)))
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
