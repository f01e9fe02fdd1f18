/** The engine's side of media: workers start when first needed, and calls do not see which one they are on. */
import { availableParallelism } from 'node:os'
import { type Clock, systemClock } from '../base/clock.js'
import { TelephonyError } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import { TransientMap } from '../base/transient-map.js'
import type { MediaService, MediaSession, MediaSessionInit } from './media-session.js'
import type {
  AssetCommands,
  CodecName,
  EncodedPrompt,
  MediaCommands,
  MediaEvents,
  MediaOpen,
  MediaOpened,
  PromptFigures,
  PromptSource,
} from './protocol.js'
import { RemoteMediaSession } from './remote-session.js'
import { RpcWorker, type StartThread, startThread } from './rpc-worker.js'

export type {
  MediaPlayback,
  MediaRecording,
  MediaService,
  MediaSession,
  MediaSessionEvents,
  ToPlay,
} from './media-session.js'

export interface MediaServiceInit {
  /** Media workers at most: cores - 1, but one at least. */
  workers?: number
  /** One more starts when all that run have so many. */
  callsPerWorker?: number
  /** RFC 3550 6.2: 5 s. */
  rtcpIntervalMs?: number
}

/** A worker that does not answer is not waited for. */
const CLOSE_WITHIN_MS = 2000
const OPEN_ATTEMPTS = 2
/** A fifth of a core, where 500 are clean and 800 are not. */
const CALLS_PER_WORKER = 200
/**
 * Packets live for a moment only: V8 would let 48 MB of them gather before it looks, here it looks some five times a second at 500 calls,
 * for less than 2 ms each time. 120 kB a call became 80.
 */
const RESOURCE_LIMITS = { maxYoungGenerationSizeMb: 8 }
const defaults = (): Required<MediaServiceInit> => ({
  workers: Math.max(1, availableParallelism() - 1),
  callsPerWorker: CALLS_PER_WORKER,
  rtcpIntervalMs: 5000,
})

/** The service with its figures. */
export interface MediaPool extends MediaService {
  /** One line per media worker: CPU time, calls, how well it kept time. */
  load(): Promise<Awaited<ReturnType<MediaCommands['load']>>[]>
  /** What is kept of prompts, all zero before the first. */
  prompts(): Promise<PromptFigures>
}

type MediaThread = RpcWorker<MediaCommands, MediaEvents>

/** Events that the log shows, as sentences. */
const PROBLEMS: { readonly [Name in keyof MediaEvents]?: (data: MediaEvents[Name]) => string } = {
  warning: ({ message }) => message,
  failed: ({ reason }) => reason,
  trouble: ({ trouble }) => trouble.text,
}
type AssetThread = RpcWorker<AssetCommands, Record<string, never>>

export interface MediaServiceDeps {
  log: Logger
  clock?: Clock
  /** How threads come to be; tests hold them and end them. */
  startThread?: StartThread
}

export function startMediaService(deps: MediaServiceDeps, init: MediaServiceInit = {}): MediaPool {
  return new MediaWorkers({ clock: systemClock, startThread, ...deps }, { ...defaults(), ...init })
}

class MediaWorkers implements MediaPool {
  readonly #deps: Required<MediaServiceDeps>
  readonly #init: Required<MediaServiceInit>
  readonly #threads = new Set<MediaThread>()
  readonly #sessions = new TransientMap<string, RemoteMediaSession>()
  readonly #opening = new Set<string>()
  readonly #recordingTo = new Set<string>()
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
    this.#opening.add(open.id)
    try {
      const { thread, release, opened } = await this.#openSomewhere(open)
      const session = new RemoteMediaSession(
        {
          rpc: thread.rpc,
          prompt: (source, codec) => this.#prompt(source, codec),
          recordingTo: this.#recordingTo,
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
    } finally {
      this.#opening.delete(open.id)
    }
  }

  /** A worker that dies under a call that is just being set up costs it nothing: another one takes it. */
  async #openSomewhere(open: MediaOpen): Promise<{ thread: MediaThread; release: () => void; opened: MediaOpened }> {
    for (let attempt = 1; ; attempt++) {
      const thread = this.#leastLoaded()
      const release = thread.hold()
      try {
        return { thread, release, opened: await thread.rpc.call('open', open) }
      } catch (error) {
        release()
        const died = TelephonyError.from(error).code === 'MEDIA_WORKER_DIED'
        if (!died || attempt === OPEN_ATTEMPTS || this.#closing) throw error
      }
    }
  }

  #leastLoaded(): MediaThread {
    const [best] = [...this.#threads].sort((a, b) => a.holders - b.holders)
    const isLight = best && best.holders < this.#init.callsPerWorker
    if (best && (isLight || this.#threads.size >= this.#init.workers)) return best
    return this.#startThread()
  }

  #startThread(): MediaThread {
    const thread: MediaThread = new RpcWorker<MediaCommands, MediaEvents>(this.#deps, {
      entry: new URL('./worker/entry.js', import.meta.url),
      name: 'ringflow-media',
      workerData: { rtcpIntervalMs: this.#init.rtcpIntervalMs },
      resourceLimits: RESOURCE_LIMITS,
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
    const problem = PROBLEMS[name]?.(data)
    if (problem !== undefined) this.#deps.log.warn({ callId: data.id }, `media: ${problem}`)
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

  async prompts(): Promise<PromptFigures> {
    const none = { prompts: 0, octets: 0, asked: 0, made: 0 }
    return this.#assets ? this.#assets.rpc.call('figures', null) : none
  }

  load(): ReturnType<MediaPool['load']> {
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
