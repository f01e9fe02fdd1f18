/** Messages between the engine and the media workers: plain data and SharedArrayBuffers only. */

import type { CodecName, Direction } from '../base/audio.js'

export type { CodecName, Direction }

/** Where media ports are opened. */
export interface PortRange {
  /** Local address that RTP and RTCP bind to. */
  address: string
  /** Inclusive range; RTP takes even ports, RTCP the odd one above (RFC 3550 11). */
  portMin: number
  portMax: number
}

export interface MediaOpen extends PortRange {
  id: string
  /** RTP port of a pair that the worker has leased to the engine; without it the worker takes a pair. */
  leasedPort?: number
}

export interface MediaPorts {
  port: number
  rtcpPort: number
}

/** The result of offer and answer. Sent again after every renegotiation. */
export interface MediaConnect {
  id: string
  remote: { host: string; port: number; rtcpPort: number }
  /** Hosts whose ports may replace `remote`, which is behind a NAT; `any`: every host; absent: no host. */
  natHosts?: readonly string[] | 'any'
  codec: CodecName
  payloadType: number
  /** Payload types of telephone-event: the peer's and ours; absent if the peer does not offer it. */
  telephoneEvent?: { send: number; receive: number }
  direction: Direction
  ptimeMs: number
  /** After this time without an expected packet `timeout` is emitted once. 0 turns it off. */
  timeoutMs: number
}

/** Encoded sound: octets of one codec at 8 kHz, one octet per sample. */
export interface EncodedPrompt {
  codec: CodecName
  data: SharedArrayBuffer
}

export interface MediaPlay {
  id: string
  playId: string
  prompt: EncodedPrompt
  /** 1 plays once, 0 without end. */
  repeat: number
}

export type PlayEnded = 'finished' | 'interrupted' | 'stopped' | 'hangup' | 'failed'

export interface MediaRecord {
  id: string
  recordId: string
  /** Absolute path, already checked by the engine. The received sound as WAV: 8 kHz, 16 bit, mono. */
  path: string
  maxMs: number
}

export interface RecordResult {
  path: string
  durationMs: number
  octets: number
  /** The disk failed or was too slow, or the media worker died: a part of the sound is missing in the file. */
  truncated?: true
}

/**
 * Summary of the peer's sound in one word. `sound`: audible sound. `silence`: all packets were decoded to
 * silence, or were only digits and comfort noise. `undecodable`: no packet could be decoded. `other-source`: no packet from the
 * negotiated address, but packets from another address, which were dropped. `nothing`: no packet. `not-owed`: no packet, and the negotiated
 * direction never allowed the peer to send (or nothing was negotiated).
 */
export type Heard = 'sound' | 'silence' | 'undecodable' | 'other-source' | 'nothing' | 'not-owed'

/** Packets of the peer that could not be decoded, grouped by payload type. */
export interface UndecodedMedia {
  payloadType: number
  /** Length of the payload. */
  octets: number
  packets: number
}

/** Packets from an address that was not negotiated. */
export interface StrangerSource {
  /** `192.0.2.1:4000`, `[2001:db8::1]:4000`. */
  address: string
  packets: number
}

/** Why nothing is heard: packets come but are not heard, or (`no-address`) the host name in the peer's SDP has no address. */
export interface MediaTrouble {
  reason: 'undecodable' | 'other-source' | 'no-address'
  /** One sentence for people. */
  text: string
  undecoded: UndecodedMedia[]
  strangerSources: StrangerSource[]
}

/** Counters and quality of one call's media, for CDR, events and the sidebar. */
export interface MediaStats {
  packetsSent: number
  octetsSent: number
  packetsReceived: number
  /** RFC 3550 A.3, of the received stream. */
  packetsLost: number
  lossPercent: number
  /** RFC 3550 A.8, ms. */
  jitterMs: number
  maxJitterMs: number
  /** RFC 3550 6.4.1 from the peer's reports; null before the first. */
  rttMs: number | null
  /** Loss of our stream by the peer's report; null before the first one. */
  remoteLossPercent: number | null
  /** ITU-T G.107 E-model, 1 to 4.5; null before the first decoded sound. Received packets whose sound was not played count as lost. */
  mos: number | null
  /** RMS of the last second of decoded sound, dBFS; null before the first decoded sound. */
  levelDbfs: number | null
  /** Frames that were concealed or replaced by silence because no packet came in time. */
  concealedFrames: number
  /** RFC 3611 4.7.1: packets with sound that came too late, or too many at once, and were not played. Not among `packetsLost`. */
  discardedPackets: number
  heard: Heard
  /** Packets of the peer, among `packetsReceived`, that could not be decoded. */
  undecodedPackets: number
  /** The most frequent kinds of these packets, at most 4. */
  undecoded: UndecodedMedia[]
  /** Dropped packets of other sources than the negotiated one. */
  strangerPackets: number
  /** The most frequent addresses of these RTP packets, at most 4. */
  strangerSources: StrangerSource[]
  /** Packets that were sent 10 ms or more after their due time. */
  latePackets: number
}

/** Copies of the packets of a call. */
export interface MediaTap {
  /** After so many octets no packet is copied any more. */
  maxOctets: number
  /** Keep the digits of RFC 4733 readable. */
  digits: boolean
}

/** Packets in one batch; their octets follow each other. */
export interface TappedPackets {
  id: string
  octets: Uint8Array
  packets: TappedPacket[]
}

export interface TappedPacket {
  /** Ms since 1970. */
  at: number
  kind: 'rtp' | 'rtcp'
  direction: 'in' | 'out'
  /** The peer's. */
  host: string
  port: number
  /** Length of the packet. */
  length: number
}

export type MediaCommands = {
  open(a: MediaOpen): MediaPorts | Promise<MediaPorts>
  connect(a: MediaConnect): void
  /** Opens ports at another address; streams, plays, recordings and statistics continue. */
  move(a: PortRange & { id: string }): Promise<MediaPorts>
  play(a: MediaPlay): void
  /** Ends the play with this id, or any play; `playEnded` carries the reason. */
  stopPlay(a: { id: string; playId?: string; reason: 'interrupted' | 'stopped' }): void
  /** Sends the received sound back in place of silence; prompts and digits take precedence. */
  echo(a: { id: string; on: boolean }): void
  /** On: sends only the music, without end, or silence; plays and digits wait. */
  hold(a: { id: string; on: boolean; music?: EncodedPrompt }): void
  /** On: sends silence in place of plays and received sound. */
  mute(a: { id: string; on: boolean }): void
  /** Emits `lull` once when the peer's sound has been quiet for this time from now on. 0 ends the watch. */
  watchLull(a: { id: string; watchId: string; limitMs: number }): void
  /** 0-9 * # A-D; `,` waits 500 ms. `digitsSent` is emitted after the last end packet (RFC 4733 2.5.1.4). */
  sendDigits(a: { id: string; sendId: string; digits: string; toneMs: number; gapMs: number }): void
  startRecord(a: MediaRecord): Promise<void>
  stopRecord(a: { id: string; recordId?: string }): Promise<RecordResult | null>
  stats(a: { id: string }): MediaStats
  /** Null ends the copying. */
  tap(a: { id: string; tap: MediaTap | null }): void
  /** Emits the packets that wait for a full batch. */
  flushTap(a: { id: string }): void
  /** Sends RTCP BYE, closes files, releases the ports; returns the final statistics. */
  close(a: { id: string }): Promise<MediaStats>
  /** RTP ports of bound pairs, which the engine gives to its next calls. `have`: its unused leases; `wanted`: how many it should have. */
  leasePorts(a: PortRange & { have: number }): Promise<{ ports: number[]; wanted: number }>
  /** Leased ports that the engine does not need. */
  returnPorts(a: PortRange & { ports: number[] }): void
  /** Closes the pairs of this port range that are neither used nor leased: another worker or range needs the ports. */
  freePorts(a: { portMin: number; portMax: number }): Promise<void>
  /** CPU time of this worker in ms, and its delays. */
  load(a: null): { cpuMs: number; maxLateMs: number; latePackets: number; packetsSent: number }
}

/** Events of one call. */
export type MediaCallEvents = {
  /** The first packet of the negotiated source has come. */
  started: { id: string }
  digit: { id: string; digit: string; durationMs: number }
  playEnded: { id: string; playId: string; ended: PlayEnded; playedMs: number }
  digitsSent: { id: string; sendId: string; ended: 'finished' | 'hangup' }
  recordEnded: { id: string; recordId: string; result: RecordResult; ended: 'finished' | 'stopped' | 'hangup' }
  timeout: { id: string; silentMs: number }
  tapped: TappedPackets
  /** The peer's sound has been quiet for the time that `watchLull` named. */
  lull: { id: string; watchId: string }
  /** Packets come but nothing is heard; emitted once per reason. */
  trouble: { id: string; trouble: MediaTrouble }
  /** The media of this call failed (a socket, an exception) and is already closed. */
  failed: { id: string; reason: string }
  /** For the log: a failure after which the call continues. */
  warning: { id: string; message: string }
}

export type MediaEvents = MediaCallEvents & {
  /** The engine returns its leases of this range, all but `keep`. */
  leasesRecalled: PortRange & { keep: number }
}

export type EmitMediaEvent = <Name extends keyof MediaEvents>(name: Name, data: MediaEvents[Name]) => void

/** The commands of the asset worker: it decodes, resamples and encodes in its own thread. */
export type PromptSource =
  /** Absolute path, already checked. WAV: 8 and 16 (24, 32) bit PCM, A-law, mu-law, any usual rate, any channels (mixed). */
  (
    | { kind: 'file'; path: string }
    /** The same as octets. Must be a copy, because its whole underlying buffer is copied between threads. */
    | { kind: 'wav'; data: Uint8Array }
    /** The sum of sines, on and off: ringback is 425 Hz, 1000 on, 4000 off. `stepsMs`: on, off, on, off … if one pair is not enough. */
    | {
        kind: 'tone'
        hz: number[]
        durationMs: number
        levelDbfs: number
        cadence?: { onMs: number; offMs: number }
        stepsMs?: number[]
      }
  ) & { /** Louder or softer; samples beyond full scale are clipped. */ gainDb?: number }

/** Figures of the prompt cache: entries, octets, requests, and requests that had to decode. */
export interface PromptFigures {
  prompts: number
  octets: number
  requests: number
  made: number
}

export type AssetCommands = {
  figures(a: null): PromptFigures
  /** Errors: FILE_NOT_FOUND, BAD_AUDIO. Results are cached by source (of a file path, size and time of change) and codec. */
  prompt(a: { source: PromptSource; codec: CodecName }): Promise<{ prompt: EncodedPrompt; durationMs: number }>
}
