/** What crosses between the engine and the media workers. Plain data (and SharedArrayBuffers) only. */

export type CodecName = 'PCMA' | 'PCMU'

/** Which way RTP flows, as we see it (RFC 3264 5.1, RFC 4566 6). */
export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive'

export interface MediaOpen {
  id: string
  /** Local address that RTP and RTCP bind to. */
  address: string
  /** Inclusive range; RTP takes even ports, RTCP the odd one above (RFC 3550 11). */
  portMin: number
  portMax: number
}

export interface MediaOpened {
  port: number
  rtcpPort: number
  ssrc: number
}

/** What offer/answer has settled. Sent again after every re-negotiation. */
export interface MediaConnect {
  id: string
  remote: { host: string; port: number; rtcpPort: number }
  /** Hosts of which any port may stand in for `remote`, which is behind a NAT; `any`: every host may; absent: no host may. */
  natHosts?: readonly string[] | 'any'
  codec: CodecName
  payloadType: number
  /** Payload type of telephone-event that the peer wants to receive, and the one we announced; absent where it offered none. */
  telephoneEvent?: { send: number; receive: number }
  direction: Direction
  ptimeMs: number
  /** No packet for so long in a state that expects some: `timeout` is told once. 0 turns it off. */
  timeoutMs: number
}

/** Audio ready to be sent: octets of one codec at 8 kHz, one octet a sample. */
export interface EncodedPrompt {
  codec: CodecName
  data: SharedArrayBuffer
}

export interface MediaPlay {
  id: string
  playId: string
  prompt: EncodedPrompt
  /** 1 plays once, 0 for ever. */
  repeat: number
}

export type PlayEnded = 'finished' | 'interrupted' | 'stopped' | 'hangup' | 'failed'

export interface MediaRecord {
  id: string
  recordId: string
  /** Absolute path, already confined by the engine. 8 kHz 16 bit WAV, mono: what was received. */
  path: string
  maxMs: number
}

export interface RecordResult {
  path: string
  durationMs: number
  octets: number
  /** The disk failed or was too slow, or the media worker died: a part of what was heard is not in the file. */
  truncated?: true
}

/**
 * What has come from the peer during a call, in one word. `sound`: something that can be heard. `silence`: packets that were decoded, all of
 * them quiet, or only digits and comfort noise. `undecodable`: packets of which none could be decoded. `other-source`: nothing from the
 * negotiated address, but packets from another one, which were dropped. `nothing`: no packet. `not-owed`: no packet, and the negotiated
 * direction never let the peer send one (or nothing was negotiated).
 */
export type Heard = 'sound' | 'silence' | 'undecodable' | 'other-source' | 'nothing' | 'not-owed'

/** Packets of the peer that could not be decoded, by what they look like. */
export interface UndecodedMedia {
  payloadType: number
  /** Length of the payload. */
  octets: number
  packets: number
}

/** Packets that came from an address that was not negotiated. */
export interface StrangerSource {
  /** `192.0.2.1:4000`, `[2001:db8::1]:4000`. */
  address: string
  packets: number
}

/** Why a call has no sound from the peer although packets come. */
export interface MediaTrouble {
  reason: 'undecodable' | 'other-source'
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
  /** RFC 3550 A.3, of the stream that we received. */
  packetsLost: number
  lossPercent: number
  /** RFC 3550 A.8, ms. */
  jitterMs: number
  maxJitterMs: number
  /** RFC 3550 6.4.1 from the peer's reports; null before the first. */
  rttMs: number | null
  /** What the peer says it lost of ours; null before its first report. */
  remoteLossPercent: number | null
  /** ITU-T G.107 E-model, 1 to 4.5; null while no sound was decoded. A packet that could not be decoded counts as lost. */
  mos: number | null
  /** RMS over the last second of what was decoded, dBFS; null while no sound was decoded. */
  levelDbfs: number | null
  /** Frames concealed or given as silence because nothing was there in time. */
  concealedFrames: number
  heard: Heard
  /** Packets of the peer, among `packetsReceived`, that could not be decoded. */
  undecodedPackets: number
  /** The most frequent kinds of them, at most 4. */
  undecoded: UndecodedMedia[]
  /** Packets of other sources than the negotiated one: dropped. */
  strangerPackets: number
  /** The addresses that sent most of their RTP packets, at most 4. */
  strangerSources: StrangerSource[]
  /** Packets that left 10 ms or more after they were due. */
  latePackets: number
}

export type MediaCommands = {
  open(a: MediaOpen): Promise<MediaOpened>
  connect(a: MediaConnect): void
  /** Other ports, at another address; streams, plays, recordings and figures go on. The old ports are free when it resolves. */
  move(a: MediaOpen): Promise<Omit<MediaOpened, 'ssrc'>>
  play(a: MediaPlay): void
  /** Ends the play with this id, or any; it is told as `playEnded` with the reason given. */
  stopPlay(a: { id: string; playId?: string; reason: 'interrupted' | 'stopped' }): void
  /** Sends back what is heard, in place of silence: prompts and digits go first. */
  echo(a: { id: string; on: boolean }): void
  /** 0-9 * # A-D; `,` waits 500 ms. Told as `digitsSent` when the last end packet has left (RFC 4733 2.5.1.4). */
  sendDigits(a: { id: string; sendId: string; digits: string; toneMs: number; gapMs: number }): void
  startRecord(a: MediaRecord): Promise<void>
  stopRecord(a: { id: string; recordId?: string }): Promise<RecordResult | null>
  stats(a: { id: string }): MediaStats
  /** Sends RTCP BYE, closes files and sockets, frees the ports; returns the final figures. */
  close(a: { id: string }): Promise<MediaStats>
  /** CPU time of this worker in ms, and how well its clock kept time. */
  load(a: null): { cpuMs: number; calls: number; maxLateMs: number; latePackets: number; packetsSent: number }
}

export type MediaEvents = {
  /** The first packet of the negotiated source has come. */
  started: { id: string }
  digit: { id: string; digit: string; durationMs: number }
  playEnded: { id: string; playId: string; ended: PlayEnded; playedMs: number }
  digitsSent: { id: string; sendId: string; ended: 'finished' | 'hangup' }
  recordEnded: { id: string; recordId: string; result: RecordResult; ended: 'finished' | 'stopped' | 'hangup' }
  timeout: { id: string; silentMs: number }
  /** Packets come and nothing is heard; told once per reason. */
  trouble: { id: string; trouble: MediaTrouble }
  /** The media of this call cannot go on (a socket failed, an exception); it is closed already. */
  failed: { id: string; reason: string }
  /** For the log: something was not done as it should, and the call goes on. */
  warning: { id: string; message: string }
}

/** What the asset worker does: decode, resample, encode, away from every other thread. */
export type PromptSource =
  /** Absolute path, already confined. WAV: 8 and 16 (24, 32) bit PCM, A-law, mu-law, any usual rate, any channels (mixed). */
  (
    | { kind: 'file'; path: string }
    /** The same as octets; a copy of its own, for the whole memory behind it is copied from thread to thread. */
    | { kind: 'wav'; data: Uint8Array }
    /** One or more sines added up, on and off; e.g. ringback 425 Hz, 1000 on, 4000 off. `stepsMs`: on, off, on, off … where one pair is not enough. */
    | {
        kind: 'tone'
        hz: number[]
        durationMs: number
        levelDbfs: number
        cadence?: { onMs: number; offMs: number }
        stepsMs?: number[]
      }
  ) & { /** Louder or softer than it is; what exceeds full scale is clipped. */ gainDb?: number }

/** What is kept of prompts: how many, in octets; how often one was asked for, and how often it had to be made. */
export interface PromptFigures {
  prompts: number
  octets: number
  asked: number
  made: number
}

export type AssetCommands = {
  figures(a: null): PromptFigures
  /** Errors: FILE_NOT_FOUND, BAD_AUDIO. Results are cached by source (of a file path, size and time of change) and codec. */
  prompt(a: { source: PromptSource; codec: CodecName }): Promise<{ prompt: EncodedPrompt; durationMs: number }>
}
