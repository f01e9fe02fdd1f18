/** Plays, sends digits and records on a call's media, and knows which of these actions still run. */
import { TelephonyError } from '../base/errors.js'
import type { MediaPlayback, MediaRecording, MediaSession, ToPlay } from '../media/client.js'
import type { EncodedPrompt, MediaStats, PlayEnded, RecordResult } from '../media/protocol.js'

export interface CallSoundEvents {
  playEnded(mediaId: string, ended: PlayEnded, playedMs: number): void
  recordEnded(mediaId: string, result: RecordResult, ended: 'finished' | 'stopped' | 'hangup'): void
}

interface Playing {
  mediaId: string | undefined
  playback: MediaPlayback
  endless: boolean
}

export class CallSound {
  readonly #session: MediaSession
  readonly #events: CallSoundEvents
  #playing: Playing | undefined
  readonly #recordings = new Map<string, MediaRecording>()
  /** Each promise settles when its action has ended, with or without an error. */
  readonly #underway = new Set<Promise<unknown>>()
  #digits: Promise<unknown> | undefined

  constructor(session: MediaSession, events: CallSoundEvents) {
    this.#session = session
    this.#events = events
  }

  /** Without `mediaId` (the prompt of a gather) no event is emitted. */
  play(mediaId: string | undefined, source: ToPlay, repeat: number): MediaPlayback {
    const playback = this.#session.play(source, { repeat })
    const playing: Playing = { mediaId, playback, endless: repeat === 0 }
    this.#playing = playing
    this.#track(
      playback.ended.then(
        ({ ended, playedMs }) => {
          if (mediaId !== undefined) this.#events.playEnded(mediaId, ended, playedMs)
        },
        () => {}, // the caller learns of the error from `ended`
      ),
      () => {
        if (this.#playing === playing) this.#playing = undefined
      },
    )
    return playback
  }

  stopPlay(mediaId?: string): void {
    const playing = this.#playing
    if (playing && (mediaId === undefined || playing.mediaId === mediaId)) playing.playback.stop('stopped')
  }

  echo(on: boolean): Promise<void> {
    return this.#session.echo(on)
  }

  /** Reads music for `hold`. Rejects with FILE_NOT_FOUND … */
  prepare(music: ToPlay): Promise<EncodedPrompt> {
    return this.#session.prepare(music)
  }

  /** Sends only the music, or silence, in place of plays, digits and echo, which wait. Another hold changes the music. */
  hold(music: EncodedPrompt | undefined): void {
    this.#session.hold(true, music)
  }

  resume(): void {
    this.#session.hold(false)
  }

  /** Sends silence in place of plays and echo. */
  mute(on: boolean): void {
    this.#session.mute(on)
  }

  /** `wait`: the digits are sent when it resolves with true. */
  sendDigits(
    digits: string,
    options: { toneMs?: number; gapMs?: number },
    wait?: Promise<boolean>,
  ): Promise<'finished' | 'hangup'> {
    const send = (mayGo: boolean) => (mayGo ? this.#session.sendDigits(digits, options) : 'hangup')
    return this.trackDigits(wait ? wait.then(send) : this.#session.sendDigits(digits, options))
  }

  /** Digits that are sent, in whatever way, count as an action until they are done. */
  async trackDigits(sent: Promise<'finished' | 'hangup'>): Promise<'finished' | 'hangup'> {
    this.#digits = sent
    this.#track(
      sent.catch(() => {}),
      () => {
        if (this.#digits === sent) this.#digits = undefined
      },
    )
    return sent
  }

  async startRecord(mediaId: string, path: string, maxMs: number | undefined): Promise<void> {
    if (this.#recordings.has(mediaId))
      throw new TelephonyError(
        'BAD_ARGUMENT',
        `a recording with the id “${mediaId}” runs already. Stop it first, or use another id`,
      )
    const recording = await this.#session.record(path, maxMs === undefined ? {} : { maxMs })
    this.#recordings.set(mediaId, recording)
    this.#track(
      recording.ended.then(
        ({ ended, ...result }) => this.#events.recordEnded(mediaId, result, ended),
        () => {}, // the media worker died: the call ends as `failed`
      ),
      () => this.#recordings.delete(mediaId),
    )
  }

  /** Stops the oldest recording without `mediaId`. Null if there is no recording. */
  async stopRecord(mediaId?: string): Promise<RecordResult | null> {
    const id = mediaId ?? [...this.#recordings.keys()][0]
    const recording = id === undefined ? undefined : this.#recordings.get(id)
    return recording ? recording.stop() : null
  }

  /** Whether a play, digits or a recording is in progress. */
  get busy(): boolean {
    return this.#underway.size > 0
  }

  /** Resolves when the play and the digits in progress have been sent. An endless play: ignored, or awaited until it is stopped. */
  async idle(endless: 'ignore' | 'await' = 'ignore'): Promise<void> {
    for (;;) {
      const playing = this.#playing?.endless && endless === 'ignore' ? undefined : this.#playing
      if (!playing && !this.#digits) return
      await Promise.allSettled([playing?.playback.ended, this.#digits])
    }
  }

  /** Calls back once when the peer has been quiet for this time. Returns a function that ends the watch. */
  watchLull(limitMs: number, onLull: () => void): () => void {
    return this.#session.watchLull(limitMs, onLull)
  }

  stats(): Promise<MediaStats> {
    return this.#session.stats()
  }

  /** Frees the ports; resolves when the end events of all running actions have been emitted. */
  async close(): Promise<MediaStats | null> {
    const stats = await this.#session.close()
    await Promise.all(this.#underway)
    return stats
  }

  #track(settled: Promise<unknown>, forget: () => unknown): void {
    const tracked: Promise<unknown> = settled.finally(() => {
      forget()
      this.#underway.delete(tracked)
    })
    this.#underway.add(tracked)
  }
}
