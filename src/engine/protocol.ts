/** Commands and events of the engine: plain data, the same for nodes, command line and tests, hosted in a worker or in the caller's thread. */
import type { DialPlan } from '../account/dial-plan.js'
import type { RegistrationState } from '../account/registration-state.js'
import type { CallEvent, CallSnapshot } from '../call/call-event.js'
import type { CodecName, MediaStats, PlayEnded, RecordResult } from '../media/protocol.js'
import type { SipProtocol, TransportProtocol } from '../sip/types.js'

import type { SignalCountry, SignalName } from './signals.js'

export type { DialPlan, RegistrationState }

export interface EngineInit {
  /** Where `play` finds files by relative name, searched in order. Absolute paths are taken only below one of them. */
  mediaRoots: string[]
  /** Where recordings are written by relative name; created when first needed. */
  recordRoot: string
  /** pino level; 'silent' turns logs off. Logs go to stderr as JSON lines, or to the parent as `log` events when hosted. */
  logLevel: 'silent' | 'error' | 'warn' | 'info' | 'debug' | 'trace'
  /** Tell every SIP message as a `trace` event (secrets masked). */
  traceSip?: boolean
}

export type IpVersion = 'prefer-4' | 'prefer-6' | '4' | '6'

export interface TransportConfig {
  id: string
  name: string
  /** `udp+tcp`: both at the same port. */
  protocol: TransportProtocol
  /** IP version of an empty `bindAddress`. `prefer-…`: falls back to the other version where the peer cannot be reached. Absent: prefer-4. */
  ipVersion?: IpVersion
  /** IPv4 or IPv6 address; '' for the one this machine uses to reach the account's proxy or registrar. */
  bindAddress: string
  /** 0: any free port. */
  bindPort: number
  /** Host, or host:port, that peers shall use to reach us; '' for the bound one. IPv6 in brackets. */
  publicAddress: string
  userAgent: string
  /** Inclusive range of RTP and RTCP ports. */
  rtpPortMin: number
  rtpPortMax: number
}

export interface ProxyConfig {
  id: string
  name: string
  /**
   * Ordered route set for every request outside of dialogs: `sip:proxy.example.com:5060;lr`. A sip: URI without `lr` is a strict router;
   * a bare `host:port` is a loose one. An entry may hold several, separated by commas.
   */
  hops: string[]
}

export interface AccountConfig {
  id: string
  name: string
  transport: TransportConfig
  proxy: ProxyConfig | null
  /** By which its requests go where no URI names one. `auto` or absent: the first proxy's or registrar's `;transport=`, else UDP. */
  protocol?: 'auto' | SipProtocol
  /** `alice@example.com` or `sip:alice@example.com`. */
  aor: string
  displayName: string
  /** '' : the user part of the AOR. */
  authUser: string
  password: string
  /** The only realm that gets credentials; absent or '' : the registrar's and the proxies', as they show themselves. */
  realm?: string
  /** Host, host:port or sip: URI; '' for the AOR's domain. */
  registrar: string
  /** Registers at start and keeps registered until unregistered or removed. */
  register: boolean
  expiresSec: number
  codecs: CodecName[]
  /** 0: three minutes, which no call rings longer than. */
  ringTimeoutMs: number
  /** 160 unless changed. */
  dtmfToneMs: number
  /** Calls at once, both directions. */
  maxCalls: number
  /** Calls placed within any minute; absent or 0: as many as `maxCalls` lets through. */
  maxCallsPerMinute?: number
  /** Only these may be called: `+49*`, `10??`, `*@example.com`; absent or empty: everybody. */
  allowedTargets?: string[]
  /** Never these, in the same form. */
  blockedTargets?: string[]
  /** 112, 911, 999, 110 … may be called; absent: no. */
  allowEmergency?: boolean
  /** Also takes calls for users that no account of its transport has: the numbers of a trunk. Absent: no, they get 404. */
  anyUser?: boolean
  /** `known`: registrar, proxy hops and `allowedSources`; `anyone`: every source, which is what it says. */
  inboundFrom: 'known' | 'anyone'
  /** How numbers are written for its exchange or provider; absent: as they are typed. */
  dialPlan?: DialPlan
  /** A 3xx is followed, to targets that may be called; absent: yes. */
  followRedirects?: boolean
  /** Addresses or CIDR blocks, IPv4 and IPv6. */
  allowedSources: string[]
  /** What everybody else gets: nothing at all (absent: so), or 403. */
  strangers?: 'silence' | '403'
  /** Header names that are handed to flows in `call.headers`. */
  exposeHeaders: string[]
  /** No RTP for so long in an answered call ends it as `media-timeout`; 0 turns it off. */
  mediaTimeoutMs: number
  /**
   * An answered call ends as `abandoned` when no command has come for so long, no digit either, and it is not on hold, nor does it play,
   * gather, record, send or echo. `call.idle` comes a minute before (at half the time where that is less than two). Absent or 0: never.
   */
  abandonedAfterMs?: number
  /**
   * Whose RTP is heard and answered: `auto` (absent): the address in SDP, or its NAT where signalling shows one; `latch`: any port of the hosts
   * that SDP and signalling name, for peers that send from ports they do not tell; `any`: the first host that sends, whatever SDP says, for a
   * trusted network only. In each the address in SDP is heard at once, and alone from then on (docs/adr/0006).
   */
  mediaSource?: 'auto' | 'latch' | 'any'
  /** What becomes of a call whose flow node is gone, when `orphan` says so. */
  orphanedCalls: 'hangup' | 'keep'
}

/** How an account's inbound calls are taken; set by `sip-incoming`. Without one they get 480. */
export interface InboundRule {
  /** `answer`: 200 at once, or after `ringMs`. `flow`: 180 (or 100 only), then the flow decides within `decideMs`, else 480. `reject`: with `rejectStatus`. */
  mode: 'flow' | 'answer' | 'reject'
  /** Mode `answer`: rings (180) for so long before the 200; absent or 0: no ringing. */
  ringMs?: number
  sendRinging: boolean
  decideMs: number
  rejectStatus: number
  owner: string | null
}

export interface DialCommand {
  accountId: string
  target: string
  /** Given by the caller so that it can listen before the first event. */
  callId?: string
  owner?: string
  callerName?: string
  headers?: Record<string, string>
  /** Absent or 0: the account's. */
  ringTimeoutMs?: number
  tags?: Record<string, unknown>
  codecs?: CodecName[]
}

export type { SignalCountry, SignalName }

/** What can be heard: a file below a media root, a WAV in memory, a tone, or a telephone signal as its country has it. */
export type Playable = (
  | { kind: 'file'; file: string }
  /** At most 10 MB. */
  | { kind: 'wav'; data: Uint8Array }
  | {
      kind: 'tone'
      hz: number[]
      durationMs: number
      levelDbfs?: number
      cadence?: { onMs: number; offMs: number }
      /** On, off, on, off … where one pair is not enough. */
      stepsMs?: number[]
    }
  /** Whole periods of its cadence, so that it can be repeated. */
  | { kind: 'signal'; name: SignalName; country: SignalCountry; durationMs: number; levelDbfs?: number }
) & { /** -40 to 40. */ gainDb?: number }

export interface GatherCommand {
  callId: string
  prompt?: Playable
  /** Digits stop the prompt. Otherwise they are kept until it has ended. */
  bargeIn: boolean
  minDigits: number
  maxDigits: number
  /** Ends the input and is not part of it; e.g. `#`. '' for none. */
  terminators: string
  /** Only these count; '' for all. */
  accept: string
  firstDigitMs: number
  interDigitMs: number
  /** Forget what was pressed before this gather began. */
  clearBuffer: boolean
}

export interface GatherResult {
  digits: string
  terminator: string
  /** `no-input`: fewer than `minDigits` (or none) when time was up or a terminator came; `digits` still holds them. */
  ended: 'max-digits' | 'terminator' | 'timeout' | 'no-input' | 'hangup'
}

export interface MediaFiles {
  /** The media roots, in the order in which they are searched. */
  folders: string[]
  /** `name` as `play` takes it, with `/` between folders; `folder` counts in `folders`. */
  files: { name: string; folder: number }[]
  /** There are more: 1,000 files are listed at most, and folders down to the fifth level. */
  truncated: boolean
}

export type EngineCommands = {
  /** Adds an account or replaces it; the same settings again change nothing and cut nothing. */
  setAccount(a: AccountConfig): Promise<{ local: { host: string; port: number } }>
  /** Unregisters, ends its calls, closes the socket when no account uses it. Resolves when done, at most 3 s. */
  removeAccount(a: { accountId: string }): Promise<void>
  setInbound(a: { accountId: string; rule: InboundRule | null }): void
  register(a: { accountId: string }): void
  unregister(a: { accountId: string }): Promise<void>
  registration(a: { accountId: string }): RegistrationState
  /** Resolves as soon as the call exists; its life is told by events. Errors: BAD_TARGET, TARGET_BLOCKED, BAD_HEADER, NO_ACCOUNT, CALL_LIMIT, CALL_RATE, NO_PORTS … */
  dial(a: DialCommand): Promise<{ callId: string }>
  answer(a: { callId: string; headers?: Record<string, string> }): Promise<void>
  ring(a: { callId: string }): void
  /** 183 with SDP: play, gather and record work from then on, unanswered and unbilled, for three minutes at most. */
  early(a: { callId: string; headers?: Record<string, string> }): Promise<void>
  /** 302: the caller tries these targets itself, the first one first. What `dial` takes; BAD_TARGET where one is none. */
  redirect(a: { callId: string; targets: string[]; reason?: string }): void
  reject(a: { callId: string; status: number; reason?: string }): void
  /**
   * BYE, CANCEL or a final response, as the state asks. Ends a call twice without complaint. Resolves when it has ended.
   * `elsewhere`: a call of ours that was not answered ends as `completed-elsewhere`, and its CANCEL says so (RFC 3326).
   */
  hangup(a: { callId: string; afterMedia?: boolean; elsewhere?: boolean; reason?: string }): Promise<void>
  /** Resolves when the sound has ended. Errors before the first packet: FILE_NOT_FOUND … */
  play(a: {
    callId: string
    mediaId: string
    source: Playable
    repeat?: number
  }): Promise<{ ended: PlayEnded; playedMs: number }>
  stopPlay(a: { callId: string; mediaId?: string }): void
  /** Sends back what is heard, in place of silence: prompts and digits go first. */
  echo(a: { callId: string; on: boolean }): Promise<void>
  gather(a: GatherCommand): Promise<GatherResult>
  sendDigits(a: { callId: string; digits: string; toneMs?: number; gapMs?: number }): Promise<'finished' | 'hangup'>
  /** Resolves when recording has begun; `call.record-ended` follows. `file`: relative name below the record root; `''` makes one. */
  startRecord(a: { callId: string; mediaId: string; file: string; maxMs?: number }): Promise<{ path: string }>
  stopRecord(a: { callId: string; mediaId?: string }): Promise<RecordResult | null>
  /** The flow node that took care of this call is gone: hangs up or keeps the call, as its account's `orphanedCalls` says. Says which. */
  orphan(a: { callId: string }): 'hangup' | 'keep'
  /** Rejects where `play` could not play this file: FILE_NOT_FOUND, FILE_OUTSIDE_ROOT, BAD_AUDIO. Reads its head only. */
  checkMedia(a: { file: string }): Promise<void>
  setTags(a: { callId: string; tags: Record<string, unknown> }): void
  stats(a: { callId: string }): Promise<MediaStats>
  calls(a: null): CallSnapshot[]
  /** BYE, CANCEL, un-REGISTER, bounded to 3 s; then everything is closed. */
  shutdown(a: null): Promise<void>
}

export type EngineEvents = {
  call: CallEvent
  registration: { accountId: string; registration: RegistrationState }
  /** `failed`: the engine died and is being restarted. */
  engine: { state: 'up' | 'failed'; reason: string }
  trace: { at: number; direction: 'in' | 'out'; local: string; remote: string; text: string }
  log: { level: string; line: string }
}

/** The engine as its users hold it, wherever it runs. */
export interface Engine {
  call<Op extends keyof EngineCommands>(
    op: Op,
    arg: Parameters<EngineCommands[Op]>[0],
  ): Promise<Awaited<ReturnType<EngineCommands[Op]>>>
  on<Name extends keyof EngineEvents>(name: Name, listener: (data: EngineEvents[Name]) => void): () => void
  /** Idempotent: `shutdown`, then the threads end. */
  close(): Promise<void>
}
