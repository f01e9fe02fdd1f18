import { CODEC_NAMES, type CodecName } from '../base/audio.js'
import { TelephonyError } from '../base/errors.js'
import type { ToPlay } from '../media/client.js'
import type { MediaStats, PlayEnded, RecordResult } from '../media/protocol.js'
import { customHeaders } from '../sip/message/custom-headers.js'
import type { IncomingInvite, SipDialog } from '../sip/types.js'
import type { CallChanges } from './call-changes.js'
import { CallCore, type CallCoreInit } from './call-core.js'
import type { CallEnd, CallEvent, CallSnapshot } from './call-event.js'
import type { CallSound } from './call-sound.js'
import { DialogLeg } from './dialog-leg.js'
import { Gather } from './gather.js'
import { IdleWatch } from './idle-watch.js'
import { IncomingLeg } from './incoming-leg.js'
import type { Farewell } from './leg.js'
import { Moment } from './moment.js'
import { takePlace } from './replacement.js'
import type {
  Call,
  CallDeps,
  CallReports,
  DtmfMode,
  GatherResult,
  GatherRules,
  HangupInit,
  LocalPlace,
  TransferResult,
  WaitFor,
  WaitResult,
} from './types.js'
import { waitInCall } from './wait.js'

/** The commands of a call; each checks that the state allows it. */
export class LiveCall implements Call {
  readonly core: CallCore
  readonly #deps: CallDeps
  readonly #reports: CallReports
  /** From the answer on, if the account limits the time without an action. */
  #idle: IdleWatch | undefined
  #gather: Gather | undefined
  #echoes = false
  /** Number of waits. */
  #waits = 0

  constructor(deps: CallDeps, init: CallCoreInit, reports: CallReports) {
    this.#deps = deps
    this.#reports = reports
    this.core = new CallCore(deps, init, this)
  }

  get id(): string {
    return this.core.id
  }

  get ended(): Promise<CallEnd> {
    return this.core.ended
  }

  snapshot(): CallSnapshot {
    return this.core.facts.snapshot(new Moment(this.#deps.clock))
  }

  async answered(): Promise<boolean> {
    await this.core.talking()
    return !this.core.ending
  }

  async answer(init: { headers?: Readonly<Record<string, string>> } = {}): Promise<void> {
    await this.#undecided().answer(customHeaders(init.headers))
    await this.core.talking()
    this.#alive()
  }

  ring(): void {
    this.#undecided().ring()
  }

  async early(init: { headers?: Readonly<Record<string, string>> } = {}): Promise<void> {
    await this.#undecided().early(customHeaders(init.headers))
  }

  reject(status: number, reason = '', headers?: Readonly<Record<string, string>>): void {
    this.#undecided().reject(status, reason, customHeaders(headers))
  }

  redirect(contacts: readonly string[], reason = ''): void {
    this.#undecided().redirect(contacts, reason)
  }

  async hangup(init: HangupInit = {}): Promise<void> {
    const farewell = farewellOf(init)
    const { media } = this.core
    if (init.afterMedia && media.isBusy) await Promise.race([media.sound?.idle(), this.ended])
    const { leg } = this.core
    const { cause, sipCode } = (init.abandoned && leg.abandoned) || (init.elsewhere && leg.elsewhere) || leg.hangup
    const reason = init.reason ?? (cause === 'completed-elsewhere' ? 'answered elsewhere' : 'hung up')
    if (init.failed) this.core.finish({ by: 'error', cause: 'failed', sipCode, reason }, farewell)
    else this.core.finish({ by: 'local', cause, sipCode, reason }, farewell)
    await this.ended
  }

  async transfer(to: string | Call, { limitMs }: { limitMs?: number } = {}): Promise<TransferResult> {
    const leg = this.#inDialog()
    const other = to instanceof LiveCall ? to : undefined
    if (other === this) throw new TelephonyError('BAD_ARGUMENT', 'a call cannot be transferred to itself')
    const target = other ? other.#inDialog() : String(to)
    if (target instanceof DialogLeg) target.isConsulted = true
    try {
      const result = await leg.transfer(target, limitMs)
      if (result.outcome === 'transferred') await this.#leaveTo(other, result)
      return result
    } finally {
      if (target instanceof DialogLeg) target.isConsulted = false
      this.#idle?.touch()
    }
  }

  acceptTransfer(): void {
    this.#inDialog().transfers.follow()
  }

  denyTransfer(status = 603): void {
    if (!Number.isInteger(status) || status < 400 || status > 699)
      throw new TelephonyError('BAD_ARGUMENT', `${status} cannot decline a transfer. Use a SIP status from 400 to 699`)
    this.#inDialog().transfers.decline({ status, reason: 'Declined' })
  }

  replaceBy(invite: IncomingInvite): void {
    takePlace(this.core, invite)
  }

  moveTo(place: LocalPlace): Promise<void> {
    return this.core.moveTo(place)
  }

  async play(mediaId: string, source: ToPlay, repeat = 1): Promise<{ ended: PlayEnded; playedMs: number }> {
    if (!Number.isInteger(repeat) || repeat < 0)
      throw new TelephonyError(
        'BAD_ARGUMENT',
        `repeat ${repeat} is not valid. Use a whole number; 0 repeats without end`,
      )
    return this.#sound().play(mediaId, source, repeat).ended
  }

  stopPlay(mediaId?: string): void {
    this.#sound().stopPlay(mediaId)
  }

  async echo(on: boolean): Promise<void> {
    await this.#sound().echo(on)
    this.#echoes = on
  }

  async gather(rules: GatherRules, prompt?: ToPlay): Promise<GatherResult> {
    const sound = this.#sound()
    this.#assertDigitsUnread()
    const play = prompt && (() => promptOf(sound, prompt))
    const gather = new Gather({ clock: this.#deps.clock, digits: this.core.digits.buffer, prompt: play }, rules)
    this.#gather = gather
    try {
      if (this.core.facts.isHeldByUs) gather.pause()
      gather.start()
      return await gather.result
    } finally {
      this.#gather = undefined
      this.#idle?.touch()
    }
  }

  async wait(what: WaitFor, limitMs: number): Promise<WaitResult> {
    this.#alive()
    if (what.kind === 'digit') this.#assertDigitsUnread()
    const sound = what.kind === 'silence' || what.kind === 'media-end' ? this.#sound() : undefined
    const { digits } = this.core
    const isEnding = () => this.core.ending
    this.#waits++
    try {
      const deps = { clock: this.#deps.clock, call: this, isEnding, digits: digits.buffer, sound }
      return await waitInCall(deps, what, limitMs)
    } finally {
      this.#waits--
      this.#idle?.touch()
    }
  }

  async hold(music?: ToPlay): Promise<void> {
    await this.#answered().hold(music)
  }

  async resume(): Promise<void> {
    await this.#answered().resume()
  }

  mute(on: boolean): void {
    this.#sound().mute(on)
  }

  async renegotiate(codecs: readonly CodecName[]): Promise<CodecName> {
    if (codecs.length === 0 || !codecs.every((name) => CODEC_NAMES.includes(name))) {
      throw new TelephonyError(
        'BAD_ARGUMENT',
        `the codecs “${codecs.join(', ').slice(0, 64)}” are not valid. Use one or more of ${CODEC_NAMES.join(', ')}`,
      )
    }
    return this.#answered().useCodecs(codecs)
  }

  async sendDigits(
    digits: string,
    init: { toneMs?: number; gapMs?: number; mode?: DtmfMode } = {},
  ): Promise<'finished' | 'hangup'> {
    if (!/^[0-9*#A-Da-d,]{1,128}$/.test(digits)) {
      throw new TelephonyError(
        'BAD_ARGUMENT',
        'the digits are not valid. Use 1 to 128 of 0-9 * # A-D, and a comma for a pause',
      )
    }
    const { account } = this.core
    const { mode = account.dtmfMode ?? 'auto', ...times } = init
    const options = { toneMs: account.dtmfToneMs, ...times }
    const sound = this.#sound()
    const byInfo = this.#infoLeg(mode)
    const keys = digits.toUpperCase()
    const sent = byInfo
      ? sound.trackDigits(byInfo.sendDigits(keys, options))
      : sound.sendDigits(keys, options, this.core.keysWait)
    return sent.finally(() => this.#idle?.touch())
  }

  /** The leg that sends digits by INFO; undefined if they are sent as RFC 4733 events. INFO needs a dialog (RFC 6086 4.2.1). */
  #infoLeg(mode: DtmfMode): DialogLeg | undefined {
    const { leg, media } = this.core
    if (mode === 'rfc4733' || (mode === 'auto' && media.negotiation?.settled?.telephoneEvent)) return undefined
    if (leg instanceof DialogLeg) return leg
    if (mode === 'auto') return undefined
    throw new TelephonyError('WRONG_STATE', 'digits by INFO are possible only in an answered call. Wait for the answer')
  }

  async startRecord(mediaId: string, path: string, maxMs?: number): Promise<void> {
    await this.#sound().startRecord(mediaId, path, maxMs)
    this.core.facts.recordings.push(path)
  }

  async stopRecord(mediaId?: string): Promise<RecordResult | null> {
    return this.#sound().stopRecord(mediaId)
  }

  setTags(tags: Record<string, unknown>): void {
    this.#alive()
    this.core.facts.setTags(tags)
  }

  async stats(): Promise<MediaStats> {
    return this.#sound().stats()
  }

  // --- for the core

  hear(event: CallEvent): void {
    if (event.type === 'call.answered') this.#watchIdle()
    else if (event.type !== 'call.idle') this.#idle?.touch()
    if (event.type === 'call.held' && event.by === 'local') this.#gather?.pause()
    if (event.type === 'call.resumed' && event.by === 'local') this.#gather?.resume()
    this.#reports.onEvent?.(event)
  }

  answeredIn(dialog: SipDialog): void {
    this.#reports.onDialog?.(this.id, dialog)
  }

  ending(): void {
    this.#idle?.stop()
    this.#gather?.hangup()
  }

  #watchIdle(): void {
    const limitMs = this.core.account.abandonedAfterMs ?? 0
    if (limitMs <= 0) return
    this.#idle = new IdleWatch(
      {
        clock: this.#deps.clock,
        busy: () => this.#isBusy(),
        warn: (idleSec, leftSec) => this.core.tell({ type: 'call.idle', idleSec, leftSec }),
        abandon: (idleSec) => this.#abandon(idleSec),
      },
      limitMs,
    )
  }

  /** A hold lasts until its side resumes, an echo until a command turns it off. */
  #isBusy(): boolean {
    const { media, facts } = this.core
    const { leg } = this.core
    if (leg instanceof DialogLeg && leg.isTransferring) return true
    return this.#gather !== undefined || this.#waits > 0 || this.#echoes || facts.state === 'held' || media.isBusy
  }

  #abandon(idleSec: number): void {
    const reason = `no node has acted in the call for ${idleSec} s`
    this.core.finish({ by: 'local', cause: 'abandoned', sipCode: null, reason })
  }

  /** The peer of this call and the peer of the other one talk to each other now. */
  async #leaveTo(other: LiveCall | undefined, { status, reason }: TransferResult): Promise<void> {
    const end = { by: 'local', cause: 'transferred', sipCode: null, reason: `${status} ${reason}` } as const
    this.core.finish(end)
    other?.core.finish(end)
    await Promise.all([this.ended, other?.ended])
  }

  #inDialog(): DialogLeg {
    this.#alive()
    const { leg, facts } = this.core
    if (leg instanceof DialogLeg) return leg
    throw new TelephonyError('WRONG_STATE', `only an answered call can be transferred; the call is ${facts.state}`)
  }

  /** Called by each command: throws if the call has ended, and restarts the idle time. */
  #alive(): void {
    if (this.core.ending) throw new TelephonyError('CALL_ENDED', 'the call has ended')
    this.#idle?.touch()
  }

  /** The leg of an inbound call that waits for a decision. */
  #undecided(): IncomingLeg {
    this.#alive()
    const { leg, facts } = this.core
    if (leg instanceof IncomingLeg) return leg
    throw new TelephonyError(
      'WRONG_STATE',
      `this is possible only in an inbound call before its answer; the call is ${facts.direction} and ${facts.state}`,
    )
  }

  /** Digits have one reader at a time. */
  #assertDigitsUnread(): void {
    if (!this.core.digits.buffer.isRead) return
    throw new TelephonyError(
      'WRONG_STATE',
      'a gather or a wait already takes the digits of the call. Wait for its result',
    )
  }

  #answered(): CallChanges {
    this.#alive()
    const { changes, facts } = this.core
    if (changes && facts.codec !== null) return changes
    throw new TelephonyError(
      'WRONG_STATE',
      `this is possible only in an answered call; the call is ${facts.state}. Wait until it is answered`,
    )
  }

  /** Sound exists from the first offer and answer on: early media, or answered. */
  #sound(): CallSound {
    this.#alive()
    const { media, facts } = this.core
    const sound = facts.codec === null ? undefined : media.sound
    if (sound) return sound
    throw new TelephonyError(
      'WRONG_STATE',
      `the call has no media yet, it is ${facts.state}. Wait until it is answered`,
    )
  }
}

function promptOf(sound: CallSound, prompt: ToPlay) {
  const playback = sound.play(undefined, prompt, 1)
  return { ended: playback.ended, stop: () => playback.stop('interrupted') }
}

/** Throws BAD_HEADER. */
function farewellOf({ reason, headers }: HangupInit): Farewell | undefined {
  if (reason === undefined && headers === undefined) return undefined
  return { headers: customHeaders(headers), ...(reason !== undefined && { reason }) }
}
