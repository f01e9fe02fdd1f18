/** Commands and events of the engine: plain data, the same for nodes, command line and tests, hosted in a worker or in the caller's thread. */
import type { DialPlan } from '../account/dial-plan.js'
import type { RegistrationState } from '../account/registration-state.js'
import type { CallEvent, CallSnapshot } from '../call/call-event.js'
import type { GroupResult, GroupTarget } from '../call/dial-group.js'
import type { CallerIdBy, DiversionReason } from '../call/identity.js'
import type {
  DtmfMode,
  GatherResult,
  GatherRules,
  TransferPolicy,
  TransferResult,
  WaitFor,
  WaitResult,
} from '../call/types.js'
import type { CodecName, MediaStats, PlayEnded, RecordResult } from '../media/protocol.js'
import type { OutsideCommands, OutsideEvents } from '../outside/protocol.js'
import type { SipAddress, SipProtocol, TlsSettings, WsSettings } from '../sip/types.js'
import type { Finding } from '../trace/diagnosis/finding.js'
import type { TraceFilter } from '../trace/filter.js'

import type { SignalCountry, SignalName } from './signals.js'

export type { MessageEvent, PeerEvent, PingResult, SubscriptionEvent } from '../outside/protocol.js'
export type {
  CallerIdBy,
  DialPlan,
  DiversionReason,
  DtmfMode,
  GatherResult,
  RegistrationState,
  TransferPolicy,
  TransferResult,
  WaitFor,
  WaitResult,
}

export interface EngineInit {
  /** Folders in which `play` looks for files, in this order. Absolute paths must be below one of them. */
  mediaRoots: string[]
  /** Folder for recordings; created when first needed. */
  recordRoot: string
  /** pino level; 'silent' turns logs off. Logs go to stderr as JSON lines; a hosted engine sends them to its parent as `log` events. */
  logLevel: 'silent' | 'error' | 'warn' | 'info' | 'debug' | 'trace'
  /** Emit every SIP message as a `trace` event (secrets masked). */
  traceSip?: boolean
  /** DNS servers in the order of the tries: `192.0.2.53` or `192.0.2.53:5353`. Absent or empty: the servers of the system. */
  dnsServers?: string[]
}

/** What the engine keeps of its traffic, in bounded memory. */
export interface TraceSettings {
  /** SIP messages, secrets masked. Off: what was kept is forgotten. */
  on: boolean
  /** Also emit each message as a `trace` event. */
  live?: boolean
  /** Also RTP and RTCP, at most 4 MB of each call (about four minutes). */
  rtp?: boolean
  /** Keep digits (RFC 4733, INFO) readable. Absent: they are masked, because they may be a PIN. */
  digits?: boolean
}

/** `callId`: a call, also one that has ended. `accountId`: registrations and calls of an account. Absent: everything. */
export interface TraceQuery {
  callId?: string
  accountId?: string
  filter?: TraceFilter
  /** `diagnosis`: only the findings. */
  format: 'text' | 'mermaid' | 'pcap' | 'diagnosis'
}

export interface TraceResult {
  /** SIP messages, and RTP and RTCP packets. */
  messages: number
  packets: number
  /** A text, or the octets of a pcap file. */
  data: string | Uint8Array
  /** Why something failed, the most likely cause first. */
  findings: Finding[]
}

export type { Finding, TraceFilter }

export type IpVersion = 'prefer-4' | 'prefer-6' | '4' | '6'

export interface TransportConfig {
  id: string
  name: string
  /**
   * The port of each protocol that this transport listens on; 0: any free port, UDP and TCP the same one. An account may use TCP, TLS, WS and WSS
   * without a port: then its peers reach it only by the connections that it has opened.
   */
  ports: Partial<Record<SipProtocol, number>>
  /** IP version of an empty `bindAddress`. `prefer-…`: falls back to the other version if the peer cannot be reached. Absent: prefer-4. */
  ipVersion?: IpVersion
  /** IPv4 or IPv6 address; '' for the local address from which this machine reaches the account's proxy or registrar. */
  bindAddress: string
  /** Host or host:port under which peers reach us; '' for the bound address. IPv6 in brackets. */
  publicAddress: string
  /** `host` or `host:port`, asked by the UDP socket for our public address (RFC 8489) if `publicAddress` is ''. Absent or '': none. */
  stunServer?: string
  /** Longest time between two keep-alives of an account; 0: none. Absent: 25 s by UDP, and the pings of connections every 95 to 120 s. */
  keepAliveMs?: number
  /**
   * IP address or host name in SDP, if sound comes by another address than SIP; absent or '': the public address,
   * also if it was found by STUN. STUN shows the host only: a NAT that changes the ports of RTP needs a peer that follows them.
   */
  mediaAddress?: string
  userAgent: string
  /**
   * Certificates. Absent: the public authorities are trusted, and there is no listener for TLS and WSS. Other PEM texts in place of the old
   * ones count at once; connections and calls stay.
   */
  tls?: TlsSettings
  /** Absent: pages of the same host may connect, and we connect to the path `/`. */
  ws?: WsSettings
  /** Emit the SIP messages of this transport as `trace` events (secrets masked); counts at once. Absent: only if the engine traces all. */
  trace?: boolean
  /** Inclusive range of RTP and RTCP ports. */
  rtpPortMin: number
  rtpPortMax: number
}

export interface ProxyConfig {
  id: string
  name: string
  /**
   * Ordered route set for every request outside of dialogs: `proxy.example.com`, `sip:proxy.example.com:5060`. Each proxy is a loose router
   * (`lr` is added) unless it is marked `;strict`, which is not sent. An entry may hold several proxies, separated by commas.
   */
  hops: string[]
}

export interface AccountConfig {
  id: string
  name: string
  transport: TransportConfig
  proxy: ProxyConfig | null
  /** Protocol of requests whose URI does not name one. `auto` or absent: the first proxy's or registrar's `;transport=`, else UDP. */
  protocol?: 'auto' | SipProtocol
  /** `alice@example.com` or `sip:alice@example.com`. */
  aor: string
  displayName: string
  /** '': the user part of the AOR. */
  authUser: string
  password: string
  /** The only realm that gets credentials. Absent or '': the realms that the registrar and the proxies name in their challenges. */
  realm?: string
  /** Host, host:port or sip: URI; '' for the AOR's domain. */
  registrar: string
  /** Registers at the start and stays registered until `unregister` or `removeAccount`. */
  register: boolean
  expiresSec: number
  /**
   * Whether the Contact takes the address that the registrar sees (NAT), if the transport has no public address; absent: yes.
   */
  rewriteContact?: boolean
  /** Whether the registrar is offered to reach us by the flow that we register over, and to give us a GRUU (RFC 5626, 5627); absent: yes. */
  outbound?: boolean
  /** An account that does not register keeps a flow to its next hop open: keep-alives, and connections that are opened again; absent: no. */
  keepFlow?: boolean
  codecs: CodecName[]
  /** 0: three minutes, the longest ring time of any call. */
  ringTimeoutMs: number
  /** Usually 160. */
  dtmfToneMs: number
  /** Limit of simultaneous calls in both directions. */
  maxCalls: number
  /** Limit of calls placed within any minute; absent or 0: no limit except `maxCalls`. */
  maxCallsPerMinute?: number
  /** Only these targets may be called: `+49*`, `10??`, `*@example.com`; absent or empty: every target. */
  allowedTargets?: string[]
  /** These targets are never called; same form. */
  blockedTargets?: string[]
  /** Whether 112, 911, 999, 110 … may be called; absent: no. */
  allowEmergency?: boolean
  /** Also takes calls to users that no account of the transport has, such as the numbers of a trunk. Absent: no, these calls get 404. */
  anyUser?: boolean
  /** `known`: registrar, proxy hops and `allowedSources`; `anyone`: every source. */
  inboundFrom: 'known' | 'anyone'
  /** Form of numbers for the exchange or provider; absent: as typed. */
  dialPlan?: DialPlan
  /**
   * What a REFER of the peer of a call does. `deny` or absent: it is declined. `flow`: `call.transfer-request`, and the flow decides within
   * 20 s. `follow`: the target is called, if the account may call it.
   */
  transfers?: TransferPolicy
  /**
   * Whether provisional responses are acknowledged by PRACK (RFC 3262). `required`: calls whose peer does not support it fail. Absent:
   * supported.
   */
  reliableProvisional?: 'off' | 'supported' | 'required'
  /**
   * Session timer (RFC 4028) that calls of this account ask for: a call ends as `session-expired` without a refresh for this time. 0: they ask
   * for none, but keep one that the peer asks for. Absent: 1800.
   */
  sessionExpiresSec?: number
  /** Calls are placed without an offer: the peer makes it (RFC 3261 13.2.1). Absent: no. */
  delayedOffer?: boolean
  /** 3xx: `follow` (or absent) to targets that may be called; `own-domain`: only within the account's own domain; `refuse`: the call ends. */
  redirects?: 'follow' | 'own-domain' | 'refuse'
  /** Where the caller id of a call is written: From (absent), P-Asserted-Identity or P-Preferred-Identity (RFC 3325). */
  callerIdBy?: CallerIdBy
  /** How digits are sent: RFC 4733, INFO, or (`auto`, absent) RFC 4733 if it is negotiated and INFO otherwise. */
  dtmfMode?: DtmfMode
  /** Addresses or CIDR blocks, IPv4 and IPv6. */
  allowedSources: string[]
  /** Answer to other sources: none (also if absent), or 403. */
  strangers?: 'silence' | '403'
  /** Names of the headers that flows see in `call.headers`. */
  exposeHeaders: string[]
  /** An answered call without RTP for this time ends as `media-timeout`; 0 turns it off. */
  mediaTimeoutMs: number
  /**
   * An answered call ends as `abandoned` after this time without a command or a digit, unless it is on hold or plays, gathers,
   * records, sends digits or echoes. `call.idle` comes a minute before (after half the time if it is shorter than two minutes). Absent or 0: never.
   */
  abandonedAfterMs?: number
  /**
   * Accepted sources of RTP. `auto` or absent: the address in SDP, or its NAT if signalling shows one; `latch`: any port of the hosts
   * that SDP and signalling name, for peers that send from other ports than in their SDP; `any`: the first host that sends, for a
   * trusted network only. In every mode a packet from the address in SDP is heard at once, and from then on no other source is (docs/adr/0006).
   */
  mediaSource?: 'auto' | 'latch' | 'any'
  /** What `orphan` does with a call whose flow node is gone. */
  orphanedCalls: 'hangup' | 'keep'
}

/** How an account's inbound calls are taken; set by `sip-incoming`. Without a rule they get 480. */
export interface InboundRule {
  /** `answer`: 200 at once, or after `ringMs`. `flow`: 180 (or 100 only), then the flow decides within `decideMs`, else 480. `reject`: with `rejectStatus`. */
  mode: 'flow' | 'answer' | 'reject'
  /** Mode `flow`: a call of a known peer that asks for an automatic answer is answered without a decision. */
  autoAnswer?: boolean
  /** Mode `answer`: rings (180) for this time before the 200; absent or 0: no ringing. */
  ringMs?: number
  sendRinging: boolean
  decideMs: number
  rejectStatus: number
  owner: string | null
}

export interface DialCommand {
  accountId: string
  target: string
  /** Chosen by the caller, so that it can listen before the first event. */
  callId?: string
  owner?: string
  callerName?: string
  /** Number or address that is shown in place of the account's own; the account's `callerIdBy` says how. */
  callerId?: string
  /** The called party does not learn who calls. */
  hideCallerId?: boolean
  /** Targets from which the call was diverted, the latest first. */
  diverted?: { target: string; reason?: DiversionReason }[]
  /** Asks the called telephone to answer at once. */
  autoAnswer?: boolean
  headers?: Record<string, string>
  /** Absent or 0: the account's ring timeout. */
  ringTimeoutMs?: number
  tags?: Record<string, unknown>
  codecs?: CodecName[]
}

/** Several targets for one purpose. `tags`, `headers` and the caller are those of every call. */
export interface DialGroupCommand extends Omit<DialCommand, 'target' | 'callId'> {
  /** Chosen by the caller; calls of the group have it in their snapshots. */
  groupId?: string
  /** 1 to 20. */
  targets: GroupTarget[]
  /** `all`: at once, each after its own delay. `in-order`: the next one when the one before has ended. */
  strategy: 'all' | 'in-order'
  /** A call counts as answered only when this key is pressed. */
  confirm?: { digit: string; prompt?: Playable; timeoutMs: number }
}

export type DialGroupResult = GroupResult & { groupId: string }

export type { SignalCountry, SignalName }

/** A source of sound: a file below a media root, a WAV in memory, a tone, or a telephone signal of a country. */
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
      /** On, off, on, off … if one pair is not enough. */
      stepsMs?: number[]
    }
  /** Whole periods of its cadence, so that it can be repeated. */
  | { kind: 'signal'; name: SignalName; country: SignalCountry; durationMs: number; levelDbfs?: number }
) & { /** -40 to 40. */ gainDb?: number }

export type GatherCommand = GatherRules & { callId: string; prompt?: Playable }

export interface MediaFiles {
  /** The media roots, in the order in which they are searched. */
  folders: string[]
  /** `name` as `play` takes it, with `/` between folders; `folder` counts in `folders`. */
  files: { name: string; folder: number }[]
  /** True if files are missing in the list: at most 1,000 files, and folders down to the fifth level, are listed. */
  truncated: boolean
}

export type EngineCommands = OutsideCommands & {
  /** Adds or replaces an account; the same settings again have no effect. */
  setAccount(a: AccountConfig): Promise<{ local: { host: string; port: number }; listeners: SipAddress[] }>
  /** Unregisters, ends the account's calls, closes the socket if no account uses it. Takes at most 3 s. */
  removeAccount(a: { accountId: string }): Promise<void>
  setInbound(a: { accountId: string; rule: InboundRule | null }): void
  register(a: { accountId: string }): void
  unregister(a: { accountId: string }): Promise<void>
  registration(a: { accountId: string }): RegistrationState
  /** Resolves when the call exists; events report its progress. Errors: BAD_TARGET, TARGET_BLOCKED, BAD_HEADER, NO_ACCOUNT, CALL_LIMIT, CALL_RATE, NO_PORTS … */
  dial(a: DialCommand): Promise<{ callId: string }>
  /**
   * Resolves when a call has won, or all have failed; the others end as `completed-elsewhere`. A hangup of one ringing call cancels the
   * group. Rejects if no target could be called at all.
   */
  dialGroup(a: DialGroupCommand): Promise<DialGroupResult>
  /** Ends the calls of a group that has not been decided. */
  cancelGroup(a: { groupId: string; reason?: string }): void
  answer(a: { callId: string; headers?: Record<string, string> }): Promise<void>
  ring(a: { callId: string }): void
  /** 183 with SDP: play, gather and record work from then on, before the answer and without billing, for at most three minutes. */
  early(a: { callId: string; headers?: Record<string, string> }): Promise<void>
  /** 302: the caller then tries these targets in their order. Targets as in `dial`; BAD_TARGET if one is not valid. */
  redirect(a: { callId: string; targets: string[]; reason?: string }): void
  reject(a: { callId: string; status: number; reason?: string; headers?: Record<string, string> }): void
  /**
   * BYE, CANCEL or a final response, depending on the state. Resolves when the call has ended, also if it had ended before.
   * `elsewhere`: an unanswered outbound call ends as `completed-elsewhere`, and its CANCEL carries this reason (RFC 3326).
   * `reason`: for the Reason header of the BYE or CANCEL, a text or a whole value such as `SIP;cause=480`.
   */
  hangup(a: {
    callId: string
    afterMedia?: boolean
    elsewhere?: boolean
    reason?: string
    headers?: Record<string, string>
  }): Promise<void>
  /**
   * Asks the peer to call `target`, or, with `toCallId`, the peer of that answered call in place of us. Resolves with the result; reports of
   * the peer are `call.transfer-progress`. After a transfer the calls have ended as `transferred`; after a failure they go on. Rejects with
   * TARGET_BLOCKED, BAD_TARGET, WRONG_STATE, and with CALL_ENDED if the call ends before the result.
   */
  transfer(
    a: { callId: string /** Absent: three minutes. */; limitMs?: number } & (
      | { target: string; toCallId?: undefined }
      | { toCallId: string; target?: undefined }
    ),
  ): Promise<TransferResult>
  /** Follows the transfer of `call.transfer-request`. */
  acceptTransfer(a: { callId: string }): void
  denyTransfer(a: { callId: string /** Absent: 603. */; status?: number }): void
  /** Resolves when the sound has ended. Rejects before the first packet with FILE_NOT_FOUND … */
  play(a: {
    callId: string
    mediaId: string
    source: Playable
    repeat?: number
  }): Promise<{ ended: PlayEnded; playedMs: number }>
  stopPlay(a: { callId: string; mediaId?: string }): void
  /** Sends the received sound back in place of silence; prompts and digits take precedence. */
  echo(a: { callId: string; on: boolean }): Promise<void>
  /**
   * Holds the call: the peer hears the music without end, or silence. Resolves when the peer has agreed; rejects with REFUSED if it does not.
   * Plays, digits and the times of a gather wait for the resume. In a call that we hold already it changes the music.
   */
  hold(a: { callId: string; music?: Playable }): Promise<void>
  /** Ends our hold. If the peer holds the call too, it remains held until the peer resumes. */
  resume(a: { callId: string }): Promise<void>
  /** On: the peer hears silence; plays go on unheard. Digits are sent, and received sound is not changed. */
  mute(a: { callId: string; on: boolean }): void
  /** Offers these codecs in the running call, in order of preference; resolves with the codec in use. Rejects with REFUSED. */
  renegotiate(a: { callId: string; codecs: CodecName[] }): Promise<{ codec: CodecName }>
  gather(a: GatherCommand): Promise<GatherResult>
  /** Waits for one thing in the call, at most `limitMs`. A call that has ended already is a result, not an error. */
  wait(a: { callId: string; what: WaitFor; limitMs: number }): Promise<WaitResult>
  /** `mode`: absent, the account's `dtmfMode`. Rejects with REFUSED if the peer refuses the INFO. */
  sendDigits(a: {
    callId: string
    digits: string
    toneMs?: number
    gapMs?: number
    mode?: DtmfMode
  }): Promise<'finished' | 'hangup'>
  /** Resolves when recording has begun; `call.record-ended` follows. `file`: relative name below the record root; `''` makes one. */
  startRecord(a: { callId: string; mediaId: string; file: string; maxMs?: number }): Promise<{ path: string }>
  stopRecord(a: { callId: string; mediaId?: string }): Promise<RecordResult | null>
  /** The flow node of this call is gone: hangs up or keeps the call, as the account's `orphanedCalls` decides. Returns the decision. */
  orphan(a: { callId: string }): 'hangup' | 'keep'
  /** Rejects if `play` cannot play this file: FILE_NOT_FOUND, FILE_OUTSIDE_ROOT, BAD_AUDIO. Reads only its header. */
  checkMedia(a: { file: string }): Promise<void>
  setTags(a: { callId: string; tags: Record<string, unknown> }): void
  stats(a: { callId: string }): Promise<MediaStats>
  /** Switches the trace of all transports on or off while the engine runs. */
  setTrace(a: TraceSettings): Promise<void>
  /** What the trace holds, and its diagnosis. Rejects with WRONG_STATE if the trace is off. */
  trace(a: TraceQuery): Promise<TraceResult>
  calls(a: null): CallSnapshot[]
  /** BYE, CANCEL, un-REGISTER for at most 3 s; then closes everything. */
  shutdown(a: null): Promise<void>
}

/** Listeners do not alter an event: other listeners, and other events of the same turn, may share its objects. */
export type EngineEvents = OutsideEvents & {
  call: CallEvent
  registration: { accountId: string; registration: RegistrationState }
  /** `failed`: the engine died and is being restarted. */
  engine: { state: 'up' | 'failed'; reason: string }
  trace: { at: number; direction: 'in' | 'out'; local: string; remote: string; text: string }
  log: { level: string; line: string }
}

/** The engine as its users see it, in any thread. */
export interface Engine {
  call<Op extends keyof EngineCommands>(
    op: Op,
    arg: Parameters<EngineCommands[Op]>[0],
  ): Promise<Awaited<ReturnType<EngineCommands[Op]>>>
  on<Name extends keyof EngineEvents>(name: Name, listener: (data: EngineEvents[Name]) => void): () => void
  /** `shutdown`, then ends the threads. Idempotent. */
  close(): Promise<void>
}
