import type { Clock } from '../base/clock.js'
import { within } from '../base/deadline.js'
import { TelephonyError } from '../base/errors.js'
import { TypedEmitter } from '../base/typed-emitter.js'
import type { HangupInit } from '../call/call.js'
import type { CallEvent } from '../call/call-event.js'
import type { MediaService } from '../media/client.js'
import { checkWavFile } from '../media/file/wav-file.js'
import type { PromptSource } from '../media/protocol.js'
import type { Outside } from '../outside/outside.js'
import type { OutsideCommands } from '../outside/protocol.js'
import type { IncomingInvite } from '../sip/types.js'
import type { RootLogger } from '../trace/logger.js'
import { checkedRule } from './account-config.js'
import type { AccountEntry } from './account-entry.js'
import { DialGroups } from './dial-groups.js'
import type { OpenEndpoint } from './endpoints.js'
import { EngineAccounts } from './engine-accounts.js'
import { EngineCalls } from './engine-calls.js'
import type { EngineNames } from './engine-names.js'
import type { EngineTrace } from './engine-trace.js'
import type { Destination } from './local-address.js'
import { outsideOf } from './outside-commands.js'
import { findPlayFile, prepareRecordFile, recordName } from './paths.js'
import type {
  EngineCommands,
  EngineEvents,
  EngineInit,
  InboundRule,
  Playable,
  WaitFor,
  WaitResult,
} from './protocol.js'
import { signalTone } from './signals.js'

export interface EngineDeps {
  clock: Clock
  log: RootLogger
  media: MediaService
  trace: EngineTrace
  openEndpoint: OpenEndpoint
  names: EngineNames
  localAddress: (peer: Destination) => Promise<string>
  /** The addresses of this machine. */
  addresses: () => readonly string[]
}

/** Limit of a graceful stop. */
const SHUTDOWN_MS = 3_000
const DEFAULT_RECORD_MS = 3_600_000
const DEFAULT_TONE_DBFS = -12

/** Twenty minutes in telephone quality; longer sounds should be played from files. */
const MAX_WAV_OCTETS = 10 * 1024 * 1024

type EventTuples = { [Name in keyof EngineEvents]: [data: EngineEvents[Name]] }

/** Joins accounts, calls and media. Independent of threads and Node-RED: commands and events are plain data. */
export class TelephonyEngine extends TypedEmitter<EventTuples> {
  readonly #deps: EngineDeps
  readonly #init: EngineInit
  readonly #accounts: EngineAccounts
  readonly #calls: EngineCalls
  readonly #groups: DialGroups
  readonly #outside: Outside
  readonly #rules = new Map<string, InboundRule>()
  #shutdown: Promise<void> | undefined

  constructor(deps: EngineDeps, init: EngineInit) {
    super()
    this.#deps = deps
    this.#init = init
    const { clock, log, media } = deps
    this.#calls = new EngineCalls({
      clock,
      log,
      media,
      lookup: deps.names.hostOfPeer,
      tell: (event) => this.#hearCall(event),
      entryOf: (accountId) => this.#accounts.get(accountId),
    })
    this.#groups = new DialGroups({
      clock,
      log,
      place: async (command) => this.#calls.dial(this.#accounts.get(command.accountId), command),
      prompt: (source) => () => this.#promptSource(source),
    })
    this.#accounts = new EngineAccounts({
      clock,
      log,
      openEndpoint: deps.openEndpoint,
      names: deps.names,
      localAddress: deps.localAddress,
      addresses: deps.addresses,
      activeCalls: (accountId) => this.#calls.countOf(accountId),
      hangUpAll: (accountId, how) => this.#calls.hangUpAll(how, accountId),
      follow: (entry, isGone) => this.#calls.follow(entry, isGone),
      invite: (entry, invite) => this.#takeInvite(entry, invite),
      decidesAtOnce: (accountId) => {
        const rule = this.#rules.get(accountId)
        return rule?.mode !== 'flow' && !rule?.ringMs
      },
      request: ({ config }, incoming) => this.#outside.takeMessage(config.id, incoming),
      subscription: ({ config }, incoming) => this.#outside.takeSubscription(config.id, incoming),
      registration: (accountId, registration) => this.tell('registration', { accountId, registration }),
    })
    this.#outside = outsideOf({
      clock,
      accounts: this.#accounts,
      calls: this.#calls,
      message: (event) => this.tell('message', event),
      peer: (event) => this.tell('peer', event),
      subscription: (event) => this.tell('subscription', event),
    })
    this.commands = { ...this.#outside.commands, ...this.#ownCommands }
  }

  /** One handler per command; errors are TelephonyErrors. */
  readonly commands: EngineCommands

  readonly #ownCommands: Omit<EngineCommands, keyof OutsideCommands> = {
    setAccount: async (config) => {
      this.#refuseWhenClosed()
      const { lease } = await this.#accounts.set(config)
      const { local, listeners } = lease.endpoint
      return { local: { host: local.host, port: local.port }, listeners: [...listeners] }
    },
    removeAccount: async ({ accountId }) => {
      this.#rules.delete(accountId)
      this.#outside.forget(accountId)
      await this.#accounts.remove(accountId)
    },
    setInbound: ({ accountId, rule }) => {
      if (rule) this.#rules.set(accountId, checkedRule(rule))
      else this.#rules.delete(accountId)
    },
    register: ({ accountId }) => this.#accounts.get(accountId).account.register(),
    unregister: ({ accountId }) => this.#accounts.get(accountId).account.unregister(),
    registration: ({ accountId }) => this.#accounts.get(accountId).account.registrationState,
    dial: async (command) => {
      this.#refuseWhenClosed()
      const { id } = await this.#calls.dial(this.#accounts.get(command.accountId), command)
      return { callId: id }
    },
    dialGroup: async (command) => {
      this.#refuseWhenClosed()
      return this.#groups.dial(command)
    },
    cancelGroup: ({ groupId, reason }) => this.#groups.cancel(groupId, reason),
    answer: async ({ callId, headers }) => (await this.#calls.get(callId)).answer(headers ? { headers } : {}),
    ring: async ({ callId }) => (await this.#calls.get(callId)).ring(),
    early: async ({ callId, headers }) => (await this.#calls.get(callId)).early(headers ? { headers } : {}),
    redirect: async ({ callId, targets, reason }) => {
      const entry = this.#accounts.get(this.#calls.accountIdOf(callId))
      const contacts = targets.map((target) => this.#calls.targetOf(entry, target).uri.text)
      ;(await this.#calls.get(callId)).redirect(contacts, reason)
    },
    reject: async ({ callId, status, reason, headers }) =>
      (await this.#calls.get(callId)).reject(status, reason, headers),
    hangup: ({ callId, ...how }) => this.#hangUp(callId, how),
    transfer: async ({ callId, target, toCallId, ...init }) => {
      const entry = this.#accounts.get(this.#calls.accountIdOf(callId))
      return this.#calls.transfer(callId, { target, toCallId }, init, entry)
    },
    acceptTransfer: async ({ callId }) => (await this.#calls.get(callId)).acceptTransfer(),
    denyTransfer: async ({ callId, status }) => (await this.#calls.get(callId)).denyTransfer(status),
    play: async ({ callId, mediaId, source, repeat }) => {
      const call = await this.#calls.get(callId)
      return call.play(mediaId, () => this.#promptSource(source), repeat)
    },
    stopPlay: async ({ callId, mediaId }) => (await this.#calls.get(callId)).stopPlay(mediaId),
    echo: async ({ callId, on }) => (await this.#calls.get(callId)).echo(on),
    hold: async ({ callId, music }) => (await this.#calls.get(callId)).hold(music && (() => this.#promptSource(music))),
    resume: async ({ callId }) => (await this.#calls.get(callId)).resume(),
    mute: async ({ callId, on }) => (await this.#calls.get(callId)).mute(on),
    renegotiate: async ({ callId, codecs }) => ({ codec: await (await this.#calls.get(callId)).renegotiate(codecs) }),
    gather: async ({ callId, prompt, ...rules }) =>
      (await this.#calls.get(callId)).gather(rules, prompt && (() => this.#promptSource(prompt))),
    wait: async ({ callId, what, limitMs }) => this.#wait(callId, what, limitMs),
    sendDigits: async ({ callId, digits, ...how }) => (await this.#calls.get(callId)).sendDigits(digits, how),
    startRecord: async ({ callId, mediaId, file, maxMs }) => {
      const call = await this.#calls.get(callId)
      const name = file.trim() || recordName(new Date(this.#deps.clock.wall()), callId)
      const path = await prepareRecordFile(name, this.#init.recordRoot)
      await call.startRecord(mediaId, path, maxMs ?? DEFAULT_RECORD_MS)
      return { path }
    },
    stopRecord: async ({ callId, mediaId }) => (await this.#calls.get(callId)).stopRecord(mediaId),
    orphan: ({ callId }) => this.#orphan(callId),
    checkMedia: async ({ file }) => checkWavFile(await findPlayFile(file, this.#init.mediaRoots)),
    setTags: async ({ callId, tags }) => (await this.#calls.get(callId)).setTags(tags),
    setTrace: (settings) => this.#deps.trace.set(settings),
    trace: ({ accountId, ...query }) => {
      const aor = accountId === undefined ? undefined : this.#accounts.get(accountId).account.peers.aor.uri
      return this.#deps.trace.read({ ...query, ...(accountId !== undefined && { accountId }) }, aor)
    },
    stats: async ({ callId }) => (await this.#calls.get(callId)).stats(),
    calls: () => this.#calls.snapshots(),
    shutdown: () => this.shutdown(),
  }

  /** Sends BYE, CANCEL and un-REGISTER for at most 3 s; then closes everything. Idempotent. */
  shutdown(): Promise<void> {
    this.#shutdown ??= this.#shutDown()
    return this.#shutdown
  }

  /** An exception in a listener must not reach the callback of a socket or timer. */
  tell<Name extends keyof EngineEvents>(name: Name, data: EngineEvents[Name]): void {
    try {
      this.emit(name, ...([data] as EventTuples[Name]))
    } catch (error) {
      this.#deps.log.error({ err: error, event: name }, 'a listener of an engine event threw')
    }
  }

  #hearCall(event: CallEvent): void {
    this.tell('call', this.#deps.trace.hear(event))
    if (event.type !== 'call.ended' || event.end.by !== 'error') return
    // The peer did not answer: an account that does not register has no other way to learn that its peer has moved.
    const { sipCode } = event.end
    const { id } = event.call.account
    const isRegistered = this.#accounts.find(id)?.account.registrationState.state === 'registered'
    if (!isRegistered && (sipCode === 408 || sipCode === 503)) void this.#accounts.reconsiderAddress(id, true)
  }

  async #shutDown(): Promise<void> {
    const { clock, media } = this.#deps
    this.#groups.cancelAll('telephony was stopped')
    this.#outside.stop()
    const ended = Promise.all([
      this.#calls.hangUpAll({ reason: 'telephony was stopped' }),
      this.#accounts.unregisterAll(SHUTDOWN_MS),
    ])
    await within(SHUTDOWN_MS, ended, clock)
    await within(SHUTDOWN_MS, Promise.all([this.#accounts.close(), media.close()]), clock)
    this.#deps.names.close()
  }

  #takeInvite(entry: AccountEntry, invite: IncomingInvite): void {
    if (this.#shutdown) {
      // RFC 3261 21.5.4: the caller may try another server.
      invite.reject(503, { headers: [['Retry-After', '10']] })
      return
    }
    if (invite.request.header('Replaces') !== undefined) this.#calls.replace(entry, invite)
    else this.#calls.take(entry, invite, this.#rules.get(entry.config.id))
  }

  async #hangUp(callId: string, how: HangupInit): Promise<void> {
    try {
      await (await this.#calls.get(callId)).hangup(how)
    } catch (error) {
      if (!(error instanceof TelephonyError && error.code === 'CALL_ENDED')) throw error
    }
  }

  async #wait(callId: string, what: WaitFor, limitMs: number): Promise<WaitResult> {
    try {
      return await (await this.#calls.get(callId)).wait(what, limitMs)
    } catch (error) {
      if (!(error instanceof TelephonyError && error.code === 'CALL_ENDED')) throw error
      return { outcome: what.kind === 'end' ? 'happened' : 'call-ended', digit: '' }
    }
  }

  #orphan(callId: string): 'hangup' | 'keep' {
    const accountId = this.#calls.accountIdOf(callId)
    const policy = this.#accounts.find(accountId)?.config.orphanedCalls ?? 'hangup'
    if (policy === 'hangup') {
      this.#hangUp(callId, { reason: 'the flow of the call is gone', abandoned: true }).catch((error) =>
        this.#deps.log.error({ err: error, callId }, 'an orphaned call could not be ended'),
      )
    }
    return policy
  }

  async #promptSource(source: Playable): Promise<PromptSource> {
    const gain = source.gainDb === undefined ? {} : { gainDb: source.gainDb }
    switch (source.kind) {
      case 'file':
        return { kind: 'file', path: await findPlayFile(source.file, this.#init.mediaRoots), ...gain }
      case 'wav':
        return { kind: 'wav', data: checkedWav(source.data), ...gain }
      case 'signal': {
        const { name, country, durationMs, levelDbfs = DEFAULT_TONE_DBFS } = source
        return { kind: 'tone', levelDbfs, ...signalTone(name, country, durationMs), ...gain }
      }
      default:
        return { levelDbfs: DEFAULT_TONE_DBFS, ...source }
    }
  }

  #refuseWhenClosed(): void {
    if (this.#shutdown) throw new TelephonyError('CLOSED', 'the telephony engine is stopping')
  }
}

function checkedWav(data: unknown): Uint8Array {
  if (!(data instanceof Uint8Array))
    throw new TelephonyError('BAD_ARGUMENT', 'the WAV in memory is not a Buffer. Pass a Buffer, or the name of a file')
  if (data.length <= MAX_WAV_OCTETS) return data
  throw new TelephonyError(
    'BAD_ARGUMENT',
    `the Buffer of ${data.length} octets is too large: at most ${MAX_WAV_OCTETS} are possible. Play a file instead`,
  )
}
