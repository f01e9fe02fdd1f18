import type { TelephonyError } from '../../src/base/errors.js'
import { TypedEmitter } from '../../src/base/typed-emitter.js'
import type {
  MediaPlayback,
  MediaRecording,
  MediaService,
  MediaSession,
  MediaSessionEvents,
  ToPlay,
} from '../../src/media/client.js'
import type { EncodedPrompt, MediaConnect, MediaStats, PlayEnded, RecordResult } from '../../src/media/protocol.js'

export const someStats: MediaStats = {
  packetsSent: 500,
  octetsSent: 80_000,
  packetsReceived: 498,
  packetsLost: 2,
  lossPercent: 0.4,
  jitterMs: 1.5,
  maxJitterMs: 4,
  rttMs: 12,
  remoteLossPercent: 0,
  mos: 4.3,
  levelDbfs: -20,
  concealedFrames: 2,
  discardedPackets: 1,
  heard: 'sound',
  undecodedPackets: 0,
  undecoded: [],
  strangerPackets: 0,
  strangerSources: [],
  latePackets: 0,
}

/** Media without sockets: tests say what happens and see what was asked. */
export class FakeMedia implements MediaService {
  readonly sessions: FakeMediaSession[] = []
  /** What each was opened with. */
  readonly opened: { address: string; portMin: number; portMax: number }[] = []
  /** Set to have `open` reject. */
  openError: TelephonyError | undefined
  /** Set to have `open` wait. */
  openGate: Promise<void> | undefined
  #nextPort = 40_000

  async open(init: { id: string; address: string; portMin: number; portMax: number }): Promise<FakeMediaSession> {
    await this.openGate
    if (this.openError) throw this.openError
    const session = new FakeMediaSession(init.id, init.address, this.#nextPort)
    this.#nextPort += 2
    this.opened.push(init)
    this.sessions.push(session)
    return session
  }

  async close(): Promise<void> {
    await Promise.all(this.sessions.map((session) => session.close()))
  }

  async tap(): Promise<void> {}

  async flushTaps(): Promise<void> {}

  get openSessions(): number {
    return this.sessions.filter((session) => !session.closed).length
  }
}

export class FakePlayback implements MediaPlayback {
  readonly id = 'play'
  readonly source: ToPlay
  readonly repeat: number
  readonly ended: Promise<{ ended: PlayEnded; playedMs: number }>
  state: PlayEnded | 'playing' = 'playing'
  #settle!: { resolve: (end: { ended: PlayEnded; playedMs: number }) => void; reject: (error: unknown) => void }

  constructor(source: ToPlay, repeat: number) {
    this.source = source
    this.repeat = repeat
    this.ended = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
    })
  }

  end(ended: PlayEnded): void {
    if (this.state !== 'playing') return
    this.state = ended
    this.#settle.resolve({ ended, playedMs: 100 })
  }

  fail(error: TelephonyError): void {
    this.state = 'failed'
    this.#settle.reject(error)
  }

  stop(reason: 'interrupted' | 'stopped' = 'stopped'): void {
    this.end(reason)
  }
}

export class FakeRecording implements MediaRecording {
  readonly id = 'record'
  readonly path: string
  readonly ended: Promise<RecordResult & { ended: 'finished' | 'stopped' | 'hangup' }>
  #resolve!: (end: RecordResult & { ended: 'finished' | 'stopped' | 'hangup' }) => void

  constructor(path: string) {
    this.path = path
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  end(ended: 'finished' | 'stopped' | 'hangup'): RecordResult {
    const result = { path: this.path, durationMs: 1000, octets: 16_044 }
    this.#resolve({ ...result, ended })
    return result
  }

  async stop(): Promise<RecordResult> {
    return this.end('stopped')
  }
}

export class FakeMediaSession extends TypedEmitter<MediaSessionEvents> implements MediaSession {
  readonly echoes: boolean[] = []
  /** What `hold` was called with: music, or `silence`, or `off`. */
  readonly holds: (EncodedPrompt | 'silence' | 'off')[] = []
  readonly mutes: boolean[] = []
  readonly lullWatches = new Set<{ limitMs: number; happen: () => void }>()
  /** Set to have `prepare` reject. */
  prepareError: TelephonyError | undefined
  readonly id: string
  local: { host: string; port: number; rtcpPort: number }
  readonly connects: Omit<MediaConnect, 'id'>[] = []
  readonly plays: FakePlayback[] = []
  readonly recordings: FakeRecording[] = []
  readonly digitsSent: {
    digits: string
    toneMs?: number
    gapMs?: number
    finish: (how: 'finished' | 'hangup') => void
  }[] = []
  connectError: TelephonyError | undefined
  moveError: TelephonyError | undefined
  /** Set to have `close` never answer, as a worker that hangs. */
  hangs = false
  closed = false
  figures: MediaStats = someStats

  constructor(id: string, host: string, port: number) {
    super()
    this.id = id
    this.local = { host, port, rtcpPort: port + 1 }
  }

  /** Something that the real one would tell. */
  happen<Name extends keyof MediaSessionEvents & string>(name: Name, ...args: MediaSessionEvents[Name]): void {
    this.emit(name, ...args)
  }

  get play0(): FakePlayback {
    const play = this.plays[0]
    if (!play) throw new Error('nothing was played')
    return play
  }

  connect(parameters: Omit<MediaConnect, 'id'>): void {
    if (this.connectError) throw this.connectError
    this.connects.push(parameters)
  }

  async moveTo(place: { address: string; portMin: number; portMax: number }): Promise<void> {
    if (this.moveError) throw this.moveError
    const port = this.local.port + 1000
    this.local = { host: place.address, port, rtcpPort: port + 1 }
  }

  play(source: ToPlay, options: { repeat?: number } = {}): FakePlayback {
    this.plays.at(-1)?.end('interrupted')
    const playback = new FakePlayback(source, options.repeat ?? 1)
    this.plays.push(playback)
    return playback
  }

  sendDigits(digits: string, options: { toneMs?: number; gapMs?: number } = {}): Promise<'finished' | 'hangup'> {
    return new Promise((resolve) => {
      this.digitsSent.push({ digits, ...options, finish: resolve })
    })
  }

  async prepare(): Promise<EncodedPrompt> {
    if (this.prepareError) throw this.prepareError
    return { codec: 'PCMA', data: new SharedArrayBuffer(160) }
  }

  hold(on: boolean, music?: EncodedPrompt): void {
    this.holds.push(on ? (music ?? 'silence') : 'off')
  }

  mute(on: boolean): void {
    this.mutes.push(on)
  }

  watchLull(limitMs: number, onLull: () => void): () => void {
    const watch = { limitMs, happen: onLull }
    this.lullWatches.add(watch)
    return () => this.lullWatches.delete(watch)
  }

  async echo(on: boolean): Promise<void> {
    this.echoes.push(on)
  }

  async record(path: string): Promise<FakeRecording> {
    const recording = new FakeRecording(path)
    this.recordings.push(recording)
    return recording
  }

  async stats(): Promise<MediaStats> {
    return this.figures
  }

  async close(): Promise<MediaStats | null> {
    this.closed = true
    if (this.hangs) return new Promise(() => {})
    for (const play of this.plays) play.end('hangup')
    for (const recording of this.recordings) recording.end('hangup')
    for (const { finish } of this.digitsSent) finish('hangup')
    return this.figures
  }
}
