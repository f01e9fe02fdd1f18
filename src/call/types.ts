/** One dialog with its media, as the engine sees it. */
import type { Clock } from '../base/clock.js'
import type { Logger } from '../base/logger.js'
import type { MediaService, ToPlay } from '../media/client.js'
import type { CodecName, MediaStats, PlayEnded, RecordResult } from '../media/protocol.js'
import type { IncomingInvite, SipDialog, UserAgent } from '../sip/types.js'
import type { SipUri } from '../sip/uri/sip-uri.js'
import type { CallEnd, CallEvent, CallSnapshot } from './call-event.js'
import type { Caller, CallerIdBy, Diverted } from './identity.js'
import type { MediaSource } from './nat.js'
import type { HostLookup } from './peer-host.js'
import type { TransferPolicy, TransferRules } from './transfer-rules.js'

export type { TransferPolicy, TransferRules }

export interface CallDeps {
  clock: Clock
  /** Child logger of this call: its lines contain the call id. */
  log: Logger
  media: MediaService
  userAgent: UserAgent
  /** Addresses of a host name in the peer's SDP, of both families; never rejects. */
  lookup: HostLookup
  /** Absent: each REFER of a peer is declined. */
  transfers?: TransferRules
  /** Which peers may assert an identity (RFC 3325 5), and ask for an automatic answer. Absent: none. */
  trust?: { isKnown(address: string): boolean }
}

/** `auto`: RFC 4733 if it is negotiated, else INFO. */
export type DtmfMode = 'rfc4733' | 'info' | 'auto'

/** The account settings that a call uses; a part of AccountConfig, with addresses resolved. */
export interface CallAccount {
  id: string
  name: string
  /** Address of record as URI text, its user part, and the display name ('' for none). */
  identity: { uri: string; user: string; displayName: string }
  codecs: readonly CodecName[]
  /** RTP: the address to bind, the address in SDP (the same without NAT), inclusive port range. */
  rtp: { address: string; advertise: string; portMin: number; portMax: number }
  dtmfToneMs: number
  /** Absent: `auto`. */
  dtmfMode?: DtmfMode
  mediaTimeoutMs: number
  mediaSource?: MediaSource
  /** An answered call ends as `abandoned` after this time without an action; absent or 0: never. */
  abandonedAfterMs?: number
  exposeHeaders: readonly string[]
  /** Where the caller id of a call is written; absent: in From. */
  callerIdBy?: CallerIdBy
}

/** Where a call continues after its local address is gone. */
export interface LocalPlace {
  userAgent: UserAgent
  rtp: CallAccount['rtp']
}

export interface CallReports {
  /**
   * Receives every event; the first event may come before the call is returned. Events of a call share objects, so a listener never
   * alters them.
   */
  onEvent?: (event: CallEvent) => void
  /** The 2xx has made the dialog of the call: before `call.answered`, and again when the call goes on with another peer. */
  onDialog?: (callId: string, dialog: SipDialog) => void
}

interface CallInit extends CallReports {
  account: CallAccount
  owner: string | null
  tags?: Record<string, unknown>
}

export interface OutgoingCallInit extends CallInit {
  callId?: string
  /** Request-URI and its decoded user part, as the account has resolved them. */
  target: { uri: SipUri; user: string }
  callerName?: string
  /** Id of the group that the call belongs to. */
  group?: string
  /** Another caller than the account's own address. */
  callerId?: Caller
  /** The called party does not learn who calls (RFC 3323). */
  hideCallerId?: boolean
  /** The call was diverted from these addresses, the latest first. */
  diverted?: readonly Diverted[]
  /** Asks the called telephone to answer at once, as an intercom does. */
  autoAnswer?: boolean
  headers?: Readonly<Record<string, string>>
  ringTimeoutMs: number
  /** Resolves the address of a redirection; throws if it may not be called. Absent: redirections are not followed. */
  redirect?: (uri: string) => { uri: SipUri }
  /** The INVITE has no offer; the peer makes it. */
  delayedOffer?: boolean
  /** Replaces the account's list. */
  codecs?: readonly CodecName[]
}

export interface IncomingCallInit extends CallInit {
  callId?: string
  /** `flow`: 180 or silence, then a node decides within `decideMs`, else 480. InboundRule fits. */
  rule: {
    mode: 'flow' | 'answer' | 'reject'
    sendRinging: boolean
    decideMs: number
    rejectStatus: number
    /** Mode `answer`: rings for this time first. */
    ringMs?: number
    /** Mode `flow`: answers at once if a known peer asks for that. */
    autoAnswer?: boolean
  }
}

/** Which digits a gather takes, and how long it waits. */
export interface GatherRules {
  /** Digits stop the prompt. Otherwise they are kept until it has ended. */
  bargeIn: boolean
  minDigits: number
  maxDigits: number
  /** Keys that end the input and are not part of it, such as `#`. '' for none. */
  terminators: string
  /** Only these digits count; '' for all. */
  accept: string
  firstDigitMs: number
  interDigitMs: number
  /** Discard the digits that were pressed before this gather began. */
  clearBuffer: boolean
}

export interface GatherResult {
  digits: string
  terminator: string
  /** `no-input`: fewer than `minDigits` (or none) when the time was over or a terminator came; `digits` still holds them. */
  ended: 'max-digits' | 'terminator' | 'timeout' | 'no-input' | 'hangup'
}

/** What a wait in a call is for. `digit`: one of `accept`, any if that is ''. `media-end`: the play and the digits in progress have been sent. */
export type WaitFor =
  | { kind: 'digit'; accept: string }
  /** The peer's sound is quiet for this time, from the beginning of the wait on. */
  | { kind: 'silence'; quietMs: number }
  | { kind: 'answer' | 'media-end' | 'end' }

export interface WaitResult {
  outcome: 'happened' | 'timeout' | 'call-ended'
  /** '' unless a digit has happened. */
  digit: string
}

export interface TransferResult {
  outcome: 'transferred' | 'failed'
  /** The last status that the peer reported, or the status that refused the REFER. */
  status: number
  reason: string
}

export interface HangupInit {
  /** Hangs up when the play and the digits in progress have been sent. */
  afterMedia?: boolean
  /** The engine stops, or the account or flow of the call is gone: not a decision about the call. */
  abandoned?: boolean
  /** The call cannot continue: it ends by error, not normally. */
  failed?: boolean
  /** Another telephone took the call; has an effect only on an outbound call that still rings. */
  elsewhere?: boolean
  /** For the BYE or CANCEL as well: a text, or a whole Reason value such as `SIP;cause=480`. */
  reason?: string
  /** Further headers of the BYE, or of the response that refuses the call. */
  headers?: Readonly<Record<string, string>>
}

/**
 * Commands reject with CALL_ENDED when the call is ending and with WRONG_STATE if its state does not allow them.
 * Every call ends exactly once: `call.ended` is its last event, `ended` resolves right after it.
 */
export interface Call {
  readonly id: string
  readonly ended: Promise<CallEnd>
  snapshot(): CallSnapshot
  /** Resolves with true when the call is answered and sound can flow, with false if it ends before. */
  answered(): Promise<boolean>
  /** Inbound: resolves when the 200 has been sent and sound can flow. If the INVITE had no offer, this waits for the ACK. */
  answer(init?: { headers?: Readonly<Record<string, string>> }): Promise<void>
  /** Inbound: 180. */
  ring(): void
  /** Inbound: 183 with SDP; sound flows from then on, and the call still waits for a decision (at most three minutes). */
  early(init?: { headers?: Readonly<Record<string, string>> }): Promise<void>
  /** Inbound: a final response from 400 to 699. */
  reject(status: number, reason?: string, headers?: Readonly<Record<string, string>>): void
  /** Inbound: 302 with these URIs in their order. */
  redirect(contacts: readonly string[], reason?: string): void
  /** BYE, CANCEL, 603 or 480 depending on the state; never rejects, resolves when the call has ended. */
  hangup(init?: HangupInit): Promise<void>
  /**
   * Asks the peer to call a URI, or, with another answered call, its peer in place of us (RFC 5589). Resolves with the result: a transferred
   * call has ended, and with it the other call; a call whose transfer failed goes on. Rejects with CALL_ENDED if the call ends first.
   */
  transfer(to: string | Call, init?: { limitMs?: number }): Promise<TransferResult>
  /** Follows the transfer that the peer has asked for by `call.transfer-request`. */
  acceptTransfer(): void
  /** Declines it; `status` from 400 to 699, 603 if it is absent. */
  denyTransfer(status?: number): void
  /** Another dialog takes the place of this call's dialog (RFC 3891). The INVITE is answered in every case. */
  replaceBy(invite: IncomingInvite): void
  /** The local address is gone: the call continues from this place, or ends as `failed`. Never rejects; resolves when that is done. */
  moveTo(place: LocalPlace): Promise<void>
  /** Resolves when the sound has ended; `call.play-ended` is emitted too. `repeat` 0 plays without end. */
  play(mediaId: string, source: ToPlay, repeat?: number): Promise<{ ended: PlayEnded; playedMs: number }>
  stopPlay(mediaId?: string): void
  /** Sends the received sound back in place of silence. */
  echo(on: boolean): Promise<void>
  /**
   * Holds the call: the peer hears the music, or silence. Resolves when the peer has agreed. Plays, digits and the times of a gather wait for the
   * resume. Rejects with REFUSED, and with the errors of the music; then the call continues as before. In a held call it changes the music.
   */
  hold(music?: ToPlay): Promise<void>
  /** Ends our hold; the peer's own hold remains. */
  resume(): Promise<void>
  /** On: the peer hears silence; plays go on unheard. Digits are sent, and received sound is not changed. */
  mute(on: boolean): void
  /** Offers these codecs, which replace the call's earlier ones. Resolves with the codec in use. Rejects with REFUSED. */
  renegotiate(codecs: readonly CodecName[]): Promise<CodecName>
  gather(rules: GatherRules, prompt?: ToPlay): Promise<GatherResult>
  /** Waits at most `limitMs`. Digits that were pressed before count. Rejects with WRONG_STATE for a digit while a gather or another wait reads them. */
  wait(what: WaitFor, limitMs: number): Promise<WaitResult>
  sendDigits(
    digits: string,
    init?: { toneMs?: number; gapMs?: number; mode?: DtmfMode },
  ): Promise<'finished' | 'hangup'>
  /** Resolves when recording has begun; `call.record-ended` follows. The caller passes an absolute path and has checked its folder. */
  startRecord(mediaId: string, path: string, maxMs?: number): Promise<void>
  stopRecord(mediaId?: string): Promise<RecordResult | null>
  /** Replaces all tags. Throws BAD_ARGUMENT for more than 4 kB of JSON. */
  setTags(tags: Record<string, unknown>): void
  stats(): Promise<MediaStats>
}
