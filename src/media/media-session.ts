import type { TypedEmitter } from '../base/typed-emitter.js'
import type {
  CodecName,
  MediaConnect,
  MediaOpen,
  MediaStats,
  MediaTrouble,
  PlayEnded,
  PromptSource,
  RecordResult,
} from './protocol.js'

export type MediaSessionEvents = {
  started: []
  digit: [digit: string, durationMs: number]
  timeout: [silentMs: number]
  /** Packets come and nothing is heard; once per reason. */
  trouble: [trouble: MediaTrouble]
  /** The worker died or a socket failed: the call has to end. `close` is called already. */
  failed: [reason: string]
}

/** What to play, or how to find it: commands keep their order, however long a file is looked for. */
export type ToPlay = PromptSource | (() => Promise<PromptSource>)

/** The media of one call: its ports, and what is done with its sound. Every method rejects with CLOSED after `close`. */
export interface MediaSession extends TypedEmitter<MediaSessionEvents> {
  readonly id: string
  readonly local: { host: string; port: number; rtcpPort: number }
  connect(parameters: Omit<MediaConnect, 'id'>): Promise<void>
  /** Goes on from other ports, which then stand in `local`. Rejects NO_PORTS, TRANSPORT: then nothing has changed. */
  moveTo(place: Omit<MediaOpen, 'id'>): Promise<void>
  /** Resolves when the last packet has left, or with the reason why it did not. A second play interrupts the first. */
  play(source: ToPlay, options?: { repeat?: number }): MediaPlayback
  /** Sends back what is heard, in place of silence. */
  echo(on: boolean): Promise<void>
  /** Resolves when the last end packet of the last digit has left. */
  sendDigits(digits: string, options?: { toneMs?: number; gapMs?: number }): Promise<'finished' | 'hangup'>
  /** Records what is received to an absolute, confined path. BAD_ARGUMENT where something else is recording to it. */
  record(path: string, options?: { maxMs?: number }): Promise<MediaRecording>
  stats(): Promise<MediaStats>
  /** Idempotent; ends plays and recordings as `hangup`, frees the ports, gives the final figures (null if the worker died). */
  close(): Promise<MediaStats | null>
}

export interface MediaPlayback {
  readonly id: string
  /** Rejects with FILE_NOT_FOUND, BAD_AUDIO … before anything was sent. */
  readonly ended: Promise<{ ended: PlayEnded; playedMs: number }>
  stop(reason?: 'interrupted' | 'stopped'): void
}

export interface MediaRecording {
  readonly id: string
  readonly ended: Promise<RecordResult & { ended: 'finished' | 'stopped' | 'hangup' }>
  stop(): Promise<RecordResult | null>
}

export interface MediaSessionInit extends MediaOpen {
  /** What a prompt is encoded to before `connect` has told. */
  preferredCodec?: CodecName
}

/** All media of one engine: workers start when first needed. */
export interface MediaService {
  open(init: MediaSessionInit): Promise<MediaSession>
  /** Idempotent; closes every session and ends every worker. */
  close(): Promise<void>
}
