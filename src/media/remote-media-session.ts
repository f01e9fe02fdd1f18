import { deferred } from '../base/deferred.js'
import { TelephonyError } from '../base/errors.js'
import { newId } from '../base/ids.js'
import type { RpcClient } from '../base/rpc.js'
import { TypedEmitter } from '../base/typed-emitter.js'
import { recoverRecording } from './file/recording.js'
import type { MediaPlayback, MediaRecording, MediaSession, MediaSessionEvents, ToPlay } from './media-session.js'
import type {
  CodecName,
  EncodedPrompt,
  MediaCallEvents,
  MediaCommands,
  MediaConnect,
  MediaEvents,
  MediaOpen,
  MediaStats,
  MediaTap,
  PlayEnded,
  PortRange,
  PromptSource,
  RecordResult,
} from './protocol.js'

const DEFAULT_TONE_MS = 160
const DEFAULT_GAP_MS = 100

type PlayResult = { ended: PlayEnded; playedMs: number }
/** `given`: the worker has the play and reports its end. */
type Play = { given: boolean; over: boolean; settle: (result: PlayResult) => void }
type RecordEnded = RecordResult & { ended: 'finished' | 'stopped' | 'hangup' }

export interface RemoteMediaSessionDeps {
  rpc: RpcClient<MediaCommands, MediaEvents>
  prompt: (source: PromptSource, codec: CodecName) => Promise<EncodedPrompt>
  /** Repeats a request for ports after other workers have closed unused ones of the range. */
  withPorts: <T>(range: PortRange, request: () => Promise<T>) => Promise<T>
  /** Files of all running recordings: two writers would corrupt a file. */
  recordingTo: Set<string>
  onClosed: () => void
}

export interface RemoteMediaSessionInit {
  id: string
  local: MediaSession['local']
  codec: CodecName
  /** For a call with leased ports, which the worker does not know yet. */
  unsentOpen?: MediaOpen
}

/** The media of one call, which runs in a worker. */
export class RemoteMediaSession extends TypedEmitter<MediaSessionEvents> implements MediaSession {
  readonly id: string
  readonly #deps: RemoteMediaSessionDeps
  readonly #plays = new Map<string, Play>()
  readonly #digits = new Map<string, (ended: 'finished' | 'hangup') => void>()
  readonly #lullWatches = new Map<string, () => void>()
  readonly #recordings = new Map<string, { path: string; resolve: (result: RecordEnded) => void }>()
  #local: MediaSession['local']
  #codec: CodecName
  #playback: MediaPlayback | undefined
  #closing: Promise<MediaStats | null> | undefined
  /** Sent with the first command: until then the media has nothing to do. */
  #unsentOpen: MediaOpen | undefined

  constructor(deps: RemoteMediaSessionDeps, init: RemoteMediaSessionInit) {
    super()
    this.#deps = deps
    this.id = init.id
    this.#local = init.local
    this.#codec = init.codec
    this.#unsentOpen = init.unsentOpen
  }

  #call<Op extends keyof MediaCommands>(
    op: Op,
    command: Parameters<MediaCommands[Op]>[0],
  ): Promise<Awaited<ReturnType<MediaCommands[Op]>>> {
    this.#tellOpen()
    return this.#deps.rpc.call(op, command)
  }

  #tellOpen(): void {
    const open = this.#unsentOpen
    if (!open) return
    this.#unsentOpen = undefined
    this.#deps.rpc.tell('open', open)
  }

  get local(): MediaSession['local'] {
    return this.#local
  }

  runsOn(rpc: RemoteMediaSessionDeps['rpc']): boolean {
    return rpc === this.#deps.rpc
  }

  /** Receives the worker's events of this call. */
  hear<Name extends keyof MediaCallEvents>(name: Name, data: MediaCallEvents[Name]): void {
    const handlers: { [N in keyof MediaCallEvents]: (data: MediaCallEvents[N]) => void } = {
      started: () => this.emit('started'),
      digit: ({ digit, durationMs }) => this.emit('digit', digit, durationMs),
      lull: ({ watchId }) => this.#lullWatches.get(watchId)?.(),
      timeout: ({ silentMs }) => this.emit('timeout', silentMs),
      trouble: ({ trouble }) => this.emit('trouble', trouble),
      playEnded: ({ playId, ended, playedMs }) => this.#plays.get(playId)?.settle({ ended, playedMs }),
      digitsSent: ({ sendId, ended }) => this.#digits.get(sendId)?.(ended),
      recordEnded: ({ recordId, result, ended }) => this.#recordings.get(recordId)?.resolve({ ...result, ended }),
      failed: ({ reason }) => this.fail(reason),
      warning: () => undefined, // only for the log
      tapped: () => undefined, // the media service takes the packets of all calls
    }
    handlers[name](data)
  }

  connect(parameters: Omit<MediaConnect, 'id'>): void {
    this.#assertOpen()
    this.#tellOpen()
    this.#deps.rpc.tell('connect', { id: this.id, ...parameters })
    this.#codec = parameters.codec
  }

  async moveTo(range: PortRange): Promise<void> {
    this.#assertOpen()
    const { port, rtcpPort } = await this.#deps.withPorts(range, () => this.#call('move', { id: this.id, ...range }))
    this.#local = { host: range.address, port, rtcpPort }
  }

  play(source: ToPlay, options: { repeat?: number } = {}): MediaPlayback {
    this.#playback?.stop('interrupted')
    const id = newId()
    const { promise: over, resolve } = deferred<PlayResult>()
    const play: Play = {
      given: false,
      over: false,
      settle: (result) => {
        play.over = true
        resolve(result)
      },
    }
    const started = this.#startPlay(id, play, source, options.repeat ?? 1)
    const ended = Promise.race([over, started.then(() => over)]).finally(() => {
      this.#plays.delete(id)
      if (this.#playback === playback) this.#playback = undefined
    })
    // A caller that does not wait for the end must not get an unhandled rejection.
    ended.catch(() => undefined)
    const playback: MediaPlayback = { id, ended, stop: (reason = 'stopped') => this.#stopPlay(id, play, reason) }
    this.#playback = playback
    return playback
  }

  async #startPlay(playId: string, play: Play, source: ToPlay, repeat: number): Promise<void> {
    this.#assertOpen()
    this.#plays.set(playId, play)
    const prompt = await this.prepare(source)
    // The play was stopped or the call ended during the reading of the file.
    if (play.over || this.#closing) return
    play.given = true
    await this.#call('play', { id: this.id, playId, prompt, repeat })
  }

  /** The worker ends its plays and reports the played time; a play that it does not have yet ends here. */
  #stopPlay(playId: string, play: Play, reason: 'interrupted' | 'stopped'): void {
    if (play.over || this.#closing) return
    if (!play.given) {
      play.settle({ ended: reason, playedMs: 0 })
      return
    }
    this.#call('stopPlay', { id: this.id, playId, reason }).catch(() => undefined)
  }

  async echo(on: boolean): Promise<void> {
    this.#assertOpen()
    await this.#call('echo', { id: this.id, on })
  }

  async prepare(source: ToPlay): Promise<EncodedPrompt> {
    return this.#deps.prompt(typeof source === 'function' ? await source() : source, this.#codec)
  }

  hold(on: boolean, music?: EncodedPrompt): void {
    this.#assertOpen()
    this.#tellOpen()
    this.#deps.rpc.tell('hold', { id: this.id, on, ...(music && { music }) })
  }

  mute(on: boolean): void {
    this.#assertOpen()
    this.#tellOpen()
    this.#deps.rpc.tell('mute', { id: this.id, on })
  }

  watchLull(limitMs: number, onLull: () => void): () => void {
    this.#assertOpen()
    this.#tellOpen()
    const watchId = newId()
    this.#lullWatches.set(watchId, onLull)
    this.#deps.rpc.tell('watchLull', { id: this.id, watchId, limitMs })
    return () => {
      if (!this.#lullWatches.delete(watchId) || this.#closing) return
      this.#deps.rpc.tell('watchLull', { id: this.id, watchId, limitMs: 0 })
    }
  }

  async sendDigits(
    digits: string,
    { toneMs = DEFAULT_TONE_MS, gapMs = DEFAULT_GAP_MS }: { toneMs?: number; gapMs?: number } = {},
  ): Promise<'finished' | 'hangup'> {
    this.#assertOpen()
    const sendId = newId()
    const sent = new Promise<'finished' | 'hangup'>((resolve) => this.#digits.set(sendId, resolve))
    try {
      await this.#call('sendDigits', { id: this.id, sendId, digits, toneMs, gapMs })
      return await sent
    } finally {
      this.#digits.delete(sendId)
    }
  }

  async record(path: string, { maxMs = 0 }: { maxMs?: number } = {}): Promise<MediaRecording> {
    this.#assertOpen()
    const { recordingTo } = this.#deps
    if (recordingTo.has(path))
      throw new TelephonyError('BAD_ARGUMENT', `another recording already writes to ${path}. Use another file name`)
    recordingTo.add(path)
    const recordId = newId()
    const forget = () => {
      if (this.#recordings.delete(recordId)) recordingTo.delete(path)
    }
    const ended = new Promise<RecordEnded>((resolve) => this.#recordings.set(recordId, { path, resolve }))
    ended.finally(forget)
    try {
      await this.#call('startRecord', { id: this.id, recordId, path, maxMs })
    } catch (error) {
      forget()
      throw error
    }
    const stop = async () => {
      this.#assertOpen()
      return this.#call('stopRecord', { id: this.id, recordId })
    }
    return { id: recordId, ended, stop }
  }

  /** Never rejects: a call without media has no packets. */
  async tap(tap: MediaTap | null): Promise<void> {
    if (!this.#closing) await this.#call('tap', { id: this.id, tap }).catch(() => undefined)
  }

  async flushTap(): Promise<void> {
    if (!this.#closing) await this.#call('flushTap', { id: this.id }).catch(() => undefined)
  }

  async stats(): Promise<MediaStats> {
    this.#assertOpen()
    return this.#call('stats', { id: this.id })
  }

  #assertOpen(): void {
    if (this.#closing) throw new TelephonyError('CLOSED', 'the media of this call is closed')
  }

  close(): Promise<MediaStats | null> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<MediaStats | null> {
    // The worker reports the ends of plays and recordings before it answers.
    const stats = await this.#call('close', { id: this.id }).catch(() => null)
    this.#settle('hangup')
    this.#deps.onClosed()
    return stats
  }

  /** The worker or the media of this call has failed: ends all plays, digits and recordings, and emits `failed`. */
  fail(reason: string): void {
    this.#settle('failed')
    if (this.#closing) return
    this.#closing = Promise.resolve(null)
    this.#deps.onClosed()
    this.emit('failed', reason)
  }

  #settle(ended: 'hangup' | 'failed'): void {
    for (const play of this.#plays.values()) play.settle({ ended, playedMs: 0 })
    for (const settle of this.#digits.values()) settle('hangup')
    for (const { path, resolve } of this.#recordings.values()) {
      void recoverRecording(path).then((result) => resolve({ ...result, ended: 'hangup' }))
    }
  }
}
