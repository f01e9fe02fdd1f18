/** One dialog with its media: what the engine holds of a call. */
import type { Clock } from '../base/clock.js'
import type { Logger } from '../base/logger.js'
import type { TypedEmitter } from '../base/typed-emitter.js'
import type { MediaService, ToPlay } from '../media/client.js'
import type { CodecName, MediaStats, PlayEnded, RecordResult } from '../media/protocol.js'
import type { UserAgent } from '../sip/types.js'
import type { CallEnd, CallEvent, CallSnapshot } from './call-event.js'
import type { MediaSource } from './nat.js'
import type { HostLookup } from './peer-host.js'

export interface CallDeps {
  clock: Clock
  /** This call's own: its lines carry the call's id already. */
  log: Logger
  media: MediaService
  userAgent: UserAgent
  /** Addresses of a host name in the peer's SDP, of both families; never rejects. */
  lookup: HostLookup
  /** Uniform between both; handed in for tests. */
  random?: (min: number, max: number) => number
}

/** What a call takes from its account; a part of AccountConfig, with addresses resolved. */
export interface CallAccount {
  id: string
  name: string
  /** Address of record as URI text, its user part, and the display name ('' for none). */
  identity: { uri: string; user: string; displayName: string }
  codecs: readonly CodecName[]
  /** RTP: the IPv4 address to bind, the one to write into SDP (the same unless NAT), inclusive port range. */
  rtp: { address: string; advertise: string; portMin: number; portMax: number }
  dtmfToneMs: number
  mediaTimeoutMs: number
  mediaSource?: MediaSource
  /** An answered call in which nobody acts for so long ends as `abandoned`; absent or 0: never. */
  abandonedAfterMs?: number
  exposeHeaders: readonly string[]
}

/** Where a call goes on when its local address is gone. */
export interface CallPlace {
  userAgent: UserAgent
  rtp: CallAccount['rtp']
}

interface CallInit {
  account: CallAccount
  owner: string | null
  tags?: Record<string, unknown>
  /** Hears every event, from the first one on, which may come before the call itself is handed back. */
  onEvent?: (event: CallEvent) => void
}

export interface OutgoingCallInit extends CallInit {
  callId?: string
  /** Request-URI as text and its decoded user part: the account has resolved what the user typed. */
  target: { uri: string; user: string }
  callerName?: string
  headers?: Readonly<Record<string, string>>
  ringTimeoutMs: number
  /** Whether and how the address of a redirection may be called: throws where not. Absent: redirections are not followed. */
  redirect?: (uri: string) => { uri: string }
  /** Overrides the account's. */
  codecs?: readonly CodecName[]
}

export interface IncomingCallInit extends CallInit {
  callId?: string
  /** `flow`: 180 or silence, then somebody decides within `decideMs`, else 480. InboundRule fits. */
  rule: {
    mode: 'flow' | 'answer' | 'reject'
    sendRinging: boolean
    decideMs: number
    rejectStatus: number
    /** Mode `answer`: rings for so long first. */
    ringMs?: number
  }
}

/** Any GatherCommand, its prompt found or to be found. */
export interface GatherInit {
  prompt?: ToPlay
  bargeIn: boolean
  minDigits: number
  maxDigits: number
  terminators: string
  accept: string
  firstDigitMs: number
  interDigitMs: number
  clearBuffer: boolean
}

export interface GatherEnd {
  digits: string
  terminator: string
  /** `no-input`: fewer than `minDigits` (or none) when time was up or a terminator came; `digits` still holds them. */
  ended: 'max-digits' | 'terminator' | 'timeout' | 'no-input' | 'hangup'
}

export interface HangupInit {
  /** When play and digits in progress have left. */
  afterMedia?: boolean
  /** Nobody wants it to end, only there is nobody left: a stop, an account or a flow that is gone. */
  abandoned?: boolean
  /** It cannot go on: an end by error, which nobody takes for a talk that was over. */
  failed?: boolean
  /** Another telephone took what this call was for; changes nothing unless it is a call of ours that still rings. */
  elsewhere?: boolean
  reason?: string
}

/**
 * Commands reject with CALL_ENDED once the call is ending and with WRONG_STATE where its state does not allow them.
 * Every call ends exactly once: `call.ended` is its last event, `ended` resolves right after it.
 */
export interface Call extends TypedEmitter<{ event: [CallEvent] }> {
  readonly id: string
  readonly ended: Promise<CallEnd>
  snapshot(): CallSnapshot
  /** Inbound: resolves when the 200 has been sent and sound can flow, which waits for the ACK where the INVITE had no offer. */
  answer(init?: { headers?: Readonly<Record<string, string>> }): Promise<void>
  /** Inbound: 180. */
  ring(): void
  /** Inbound: 183 with SDP; from then on there is sound, and the call still waits for a decision (three minutes at most). */
  early(init?: { headers?: Readonly<Record<string, string>> }): Promise<void>
  /** Inbound: a final answer from 400 on. */
  reject(status: number, reason?: string): void
  /** Inbound: 302 with these URIs, the first one first. */
  redirect(contacts: readonly string[], reason?: string): void
  /** BYE, CANCEL, 603 or 480 as the state asks; never rejects, resolves when the call has ended. */
  hangup(init?: HangupInit): Promise<void>
  /** Its local address is gone: it goes on from here, or ends by `failed`. Never rejects; resolves when the one or the other is done. */
  moveTo(place: CallPlace): Promise<void>
  /** Resolves when the sound has ended; told as `call.play-ended` as well. `repeat` 0 plays for ever. */
  play(mediaId: string, source: ToPlay, repeat?: number): Promise<{ ended: PlayEnded; playedMs: number }>
  stopPlay(mediaId?: string): void
  /** Sends back what is heard, in place of silence. */
  echo(on: boolean): Promise<void>
  gather(init: GatherInit): Promise<GatherEnd>
  sendDigits(digits: string, init?: { toneMs?: number; gapMs?: number }): Promise<'finished' | 'hangup'>
  /** Resolves when recording has begun; `call.record-ended` follows. The path is absolute and confined by the caller. */
  startRecord(mediaId: string, path: string, maxMs?: number): Promise<void>
  stopRecord(mediaId?: string): Promise<RecordResult | null>
  /** Replaces all tags. BAD_ARGUMENT above 4 kB of JSON. */
  setTags(tags: Record<string, unknown>): void
  stats(): Promise<MediaStats>
}
