/** What is played, sent and recorded on a call's media, and what of it is still under way. */
import { TelephonyError } from '../base/errors.js'
import type { MediaPlayback, MediaRecording, MediaSession, ToPlay } from '../media/client.js'
import type { MediaStats, PlayEnded, RecordResult } from '../media/protocol.js'

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
  /** Settles when what is under way has ended, whatever came of it. */
  readonly #underway = new Set<Promise<unknown>>()
  #digits: Promise<unknown> | undefined

  constructor(session: MediaSession, events: CallSoundEvents) {
    this.#session = session
    this.#events = events
  }

  /** Without `mediaId` nothing is told: the prompt of a gather. */
  play(mediaId: string | undefined, source: ToPlay, repeat: number): MediaPlayback {
    const playback = this.#session.play(source, { repeat })
    const playing: Playing = { mediaId, playback, endless: repeat === 0 }
    this.#playing = playing
    this.#track(
      playback.ended.then(
        ({ ended, playedMs }) => {
          if (mediaId !== undefined) this.#events.playEnded(mediaId, ended, playedMs)
        },
        () => {}, // whoever asked for it is told by `ended`
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

  /** `wait`: sent when it resolves with true. */
  async sendDigits(
    digits: string,
    options: { toneMs?: number; gapMs?: number },
    wait?: Promise<boolean>,
  ): Promise<'finished' | 'hangup'> {
    const send = (mayGo: boolean) => (mayGo ? this.#session.sendDigits(digits, options) : 'hangup')
    const sent = wait ? wait.then(send) : this.#session.sendDigits(digits, options)
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
    if (this.#recordings.has(mediaId)) throw new TelephonyError('BAD_ARGUMENT', `${mediaId} is being recorded already`)
    const recording = await this.#session.record(path, maxMs === undefined ? {} : { maxMs })
    this.#recordings.set(mediaId, recording)
    this.#track(
      recording.ended.then(
        ({ ended, ...result }) => this.#events.recordEnded(mediaId, result, ended),
        () => {}, // the media worker died: the call ends by `failed`
      ),
      () => this.#recordings.delete(mediaId),
    )
  }

  /** Without `mediaId` the oldest. Null where nothing is being recorded. */
  async stopRecord(mediaId?: string): Promise<RecordResult | null> {
    const id = mediaId ?? [...this.#recordings.keys()][0]
    const recording = id === undefined ? undefined : this.#recordings.get(id)
    return recording ? recording.stop() : null
  }

  /** Something is being played, sent or recorded. */
  get busy(): boolean {
    return this.#underway.size > 0
  }

  /** Resolves when play and digits in progress have left; at once where the play would never end. */
  async idle(): Promise<void> {
    while ((this.#playing && !this.#playing.endless) || this.#digits) {
      await Promise.allSettled([this.#playing?.endless ? undefined : this.#playing?.playback.ended, this.#digits])
    }
  }

  stats(): Promise<MediaStats> {
    return this.#session.stats()
  }

  /** Frees the ports; resolves when everything under way has been told as ended. */
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
