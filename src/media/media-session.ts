import type { TypedEmitter } from '../base/typed-emitter.js'
import type {
  CodecName,
  EncodedPrompt,
  MediaConnect,
  MediaStats,
  MediaTap,
  MediaTrouble,
  PlayEnded,
  PortRange,
  PromptSource,
  RecordResult,
  TappedPackets,
} from './protocol.js'

export type MediaSessionEvents = {
  started: []
  digit: [digit: string, durationMs: number]
  timeout: [silentMs: number]
  /** Packets come but nothing is heard; emitted once per reason. */
  trouble: [trouble: MediaTrouble]
  /** The worker died or a socket failed: the call must end. The session is already closed. */
  failed: [reason: string]
}

/** The source, or a function that finds it, so that plays keep their order during the search for a file. */
export type ToPlay = PromptSource | (() => Promise<PromptSource>)

/** The media of one call: its ports and the actions on its sound. Every method throws or rejects with CLOSED after `close`. */
export interface MediaSession extends TypedEmitter<MediaSessionEvents> {
  readonly id: string
  readonly local: { host: string; port: number; rtcpPort: number }
  /** Later commands find the media connected. If that is not possible, `failed` is emitted. */
  connect(parameters: Omit<MediaConnect, 'id'>): void
  /** Continues on other ports and updates `local`. Rejects with NO_PORTS, TRANSPORT; then nothing has changed. */
  moveTo(range: PortRange): Promise<void>
  /** The result resolves when the last packet has been sent, or with the reason of an earlier end. A second play interrupts the first. */
  play(source: ToPlay, options?: { repeat?: number }): MediaPlayback
  /** Sends the received sound back in place of silence. */
  echo(on: boolean): Promise<void>
  /** Reads music for `hold`. Rejects with FILE_NOT_FOUND, BAD_AUDIO … */
  prepare(source: ToPlay): Promise<EncodedPrompt>
  /** On: sends only the music, without end, or silence; plays and digits wait, and continue when the hold is over. */
  hold(on: boolean, music?: EncodedPrompt): void
  /** On: sends silence in place of plays and echo, which go on unheard. Digits and the music of a hold are sent. */
  mute(on: boolean): void
  /** Calls back once when the peer's sound has been quiet for this time from now on. Returns a function that ends the watch. */
  watchLull(limitMs: number, onLull: () => void): () => void
  /** Resolves when the last end packet of the last digit has been sent. */
  sendDigits(digits: string, options?: { toneMs?: number; gapMs?: number }): Promise<'finished' | 'hangup'>
  /** Records the received sound to an absolute, confined path. Rejects with BAD_ARGUMENT if another recording uses the path. */
  record(path: string, options?: { maxMs?: number }): Promise<MediaRecording>
  stats(): Promise<MediaStats>
  /** Ends plays and recordings as `hangup`, releases the ports, resolves with the final statistics (null if the worker died). Idempotent. */
  close(): Promise<MediaStats | null>
}

export interface MediaPlayback {
  readonly id: string
  /** Rejects with FILE_NOT_FOUND, BAD_AUDIO … before the first packet. */
  readonly ended: Promise<{ ended: PlayEnded; playedMs: number }>
  stop(reason?: 'interrupted' | 'stopped'): void
}

export interface MediaRecording {
  readonly id: string
  readonly ended: Promise<RecordResult & { ended: 'finished' | 'stopped' | 'hangup' }>
  stop(): Promise<RecordResult | null>
}

/** `local`: where the call receives. */
export type PacketListener = (packets: TappedPackets, local: MediaSession['local']) => void

export interface MediaSessionInit extends PortRange {
  id: string
  /** Codec of prompts before `connect`. */
  preferredCodec?: CodecName
}

/** All media of one engine; workers start when they are needed. */
export interface MediaService {
  open(init: MediaSessionInit): Promise<MediaSession>
  /** Copies the packets of all calls, also of later ones, until null. Resolves when all workers know it. */
  tap(tap: MediaTap | null, hear?: PacketListener): Promise<void>
  /** Resolves when the listener has got all packets up to now. */
  flushTaps(): Promise<void>
  /** Closes every session and ends every worker. Idempotent. */
  close(): Promise<void>
}
