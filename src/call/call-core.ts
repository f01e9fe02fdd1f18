/** The core of a call: its facts, state and media, and the only place that ends it. Legs act on it; LiveCall has the commands. */
import type { Clock } from '../base/clock.js'
import { type Deferred, deferred } from '../base/deferred.js'
import { TelephonyError } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import type { CodecName, MediaTrouble, PlayEnded, RecordResult } from '../media/protocol.js'
import type { Settled } from '../sdp/offer-answer.js'
import type { SipDialog, SipMessage } from '../sip/types.js'
import { alertOf } from './alert.js'
import { CallChanges } from './call-changes.js'
import { CallDigits } from './call-digits.js'
import type { CallEnd, CallEvent } from './call-event.js'
import type { CallFacts } from './call-facts.js'
import { DialogLeg } from './dialog-leg.js'
import type { DigitPath } from './digits.js'
import { Ending } from './ending.js'
import { identityOf } from './identity.js'
import type { Farewell, Leg } from './leg.js'
import { MediaLink, type MediaLinkHost } from './media-link.js'
import { noAddress } from './media-trouble.js'
import { Moment } from './moment.js'
import type { Negotiation } from './negotiation.js'
import type { NextPeer, TransferEvent, TransferHost } from './transfer-host.js'
import type { TransferRules } from './transfer-rules.js'
import type { CallAccount, CallDeps, LocalPlace } from './types.js'

type Shared = 'callId' | 'at' | 'seq' | 'call' | 'owner'
/** An event's own fields; `tell` adds the fields that all events share. */
type EventFields<E = CallEvent> = E extends CallEvent ? Omit<E, Shared> : never

const NOT_ANSWERED = { sipCode: null, why: 'the call was not yet answered' }

export interface CallCoreInit {
  facts: CallFacts
  account: CallAccount
  codecs: readonly CodecName[]
  owner: string | null
}

/** LiveCall, as its core sees it. */
interface CallListener {
  /** Receives every event. */
  hear(event: CallEvent): void
  /** The 2xx has made the dialog of the call. */
  answeredIn(dialog: SipDialog): void
  /** The end has been decided; signalling and media are closed next. */
  ending(): void
}

export class CallCore implements TransferHost, MediaLinkHost {
  readonly clock: Clock
  readonly log: Logger
  readonly account: CallAccount
  readonly facts: CallFacts
  readonly media: MediaLink
  readonly transferRules: TransferRules | undefined
  readonly digits: CallDigits
  /** Set before the first event. */
  leg!: Leg
  readonly #owner: string | null
  readonly #trust: CallDeps['trust']
  readonly #listener: CallListener
  readonly #ending = new Ending()
  #talking: Deferred<void> | undefined
  #dialogLeg: DialogLeg | undefined
  /** Resolves when the dialog with an earlier peer has ended. */
  #parting: Promise<unknown> | undefined
  #changes: CallChanges | undefined
  #latest: SipMessage | undefined
  #ringingReported = false
  /** When `call.answered` was emitted. */
  #answeredMs: number | undefined
  #seq = 0
  #moves = 0

  constructor(deps: CallDeps, init: CallCoreInit, listener: CallListener) {
    this.#owner = init.owner
    this.#trust = deps.trust
    this.#listener = listener
    this.clock = deps.clock
    this.log = deps.log
    this.account = init.account
    this.transferRules = deps.transfers
    this.facts = init.facts
    this.digits = new CallDigits(deps.clock)
    this.media = new MediaLink(deps, this, { codecs: init.codecs, latest: () => this.#latest })
  }

  get id(): string {
    return this.facts.id
  }

  get ending(): boolean {
    return this.#ending.isDecided
  }

  get ended(): Promise<CallEnd> {
    return this.#ending.reported
  }

  /** Resolves when our first key may be sent; undefined if it may be sent now. */
  get keysWait(): Promise<boolean> | undefined {
    return this.digits.keysWait(this.#answeredMs)
  }

  /** The changes of an answered call; undefined before the answer. */
  get changes(): CallChanges | undefined {
    const { negotiation } = this.media
    if (this.#dialogLeg && negotiation) this.#changes ??= new CallChanges(this, this.#dialogLeg, negotiation)
    return this.#changes
  }

  /** Resolves when the call is answered and offer and answer are complete, or when it has ended. */
  async talking(): Promise<void> {
    if (this.#answeredMs !== undefined || this.#ending.isReported) return
    this.#talking ??= deferred<void>()
    await this.#talking.promise
  }

  tell(fields: EventFields, now = new Moment(this.clock)): void {
    const event: Pick<CallEvent, Shared> = {
      callId: this.facts.id,
      at: now.iso,
      seq: ++this.#seq,
      call: this.facts.snapshot(now),
      owner: this.#owner,
      ...fields,
    }
    try {
      this.#listener.hear(event as CallEvent)
    } catch (error) {
      this.log.error({ err: error, type: fields.type }, 'a listener of call events threw')
    }
  }

  // --- for the legs

  negotiation(): Promise<Negotiation> {
    return this.media.open()
  }

  noteHeaders(message: SipMessage): void {
    this.#latest = message
    this.facts.noteHeaders(message, this.account.exposeHeaders)
    // RFC 3325 5: an assertion counts only if it comes from within the trust domain.
    if (!this.#trust?.isKnown(message.source.host)) return
    const identity = identityOf(message)
    if (identity) this.facts.noteIdentity(identity)
  }

  /** Notes how the caller wants the call to ring. Returns the delay of an automatic answer, if a known peer asks for one. */
  noteAlert(message: SipMessage): number | undefined {
    const asked = this.#trust?.isKnown(message.source.host) ? alertOf(message) : null
    if (!asked) return undefined
    this.facts.noteAlert(asked.alert)
    return asked.alert.autoAnswer ? asked.delayMs : undefined
  }

  ringing(sipCode: number): void {
    if (this.ending || this.#ringingReported) return
    this.#ringingReported = true
    const now = new Moment(this.clock)
    this.facts.ringing ??= now
    if (this.facts.state === 'trying') this.facts.become('ringing')
    this.tell({ type: 'call.ringing', sipCode }, now)
  }

  early(settled: Settled, sipCode: number): void {
    if (this.ending) return
    this.#connect(settled, 'early')
    if (this.facts.state === 'early') return
    const now = new Moment(this.clock)
    this.facts.ringing ??= now
    this.facts.become('early')
    this.tell({ type: 'call.early', sipCode }, now)
  }

  answered(dialog: SipDialog, settled: Settled | undefined): void {
    const { negotiation } = this.media
    if (!negotiation) throw new TelephonyError('INTERNAL', 'the call was answered without media')
    this.#enter(dialog, negotiation)
    const now = new Moment(this.clock)
    this.facts.answered(now)
    if (settled) this.#agree(settled, now)
  }

  report(event: TransferEvent): void {
    if (!this.ending) this.tell(event)
  }

  successor(): Negotiation {
    return this.media.successor()
  }

  replacePeer(next: NextPeer, event: TransferEvent, part: () => Promise<unknown>): void {
    this.#dialogLeg?.detach()
    this.media.follow(next.negotiation)
    this.noteHeaders(next.message)
    this.facts.continueIn(next.dialog.sipCallId)
    const leg = this.#enter(next.dialog, next.negotiation)
    this.#changes?.moveTo(leg, next.negotiation)
    this.tell(event)
    if (next.settled) this.#agree(next.settled, new Moment(this.clock))
    this.#parting = part().catch((err: unknown) => this.log.warn({ err }, 'the dialog of the earlier peer'))
  }

  awaitPeer(): void {
    this.media.negotiation?.pause()
  }

  settled(settled: Settled): void {
    this.#agree(settled, new Moment(this.clock))
  }

  digit(digit: string, durationMs: number): void {
    this.#press(digit, durationMs, 'info')
  }

  unsent(reason: string): void {
    this.#ending.unsent(reason)
  }

  finish(end: CallEnd, farewell?: Farewell): void {
    if (!this.#ending.decide(end)) return
    this.facts.ended = new Moment(this.clock)
    this.digits.ended()
    this.#listener.ending()
    void this.#wrapUp(end, farewell)
  }

  // --- for the media

  heard(): void {
    this.digits.heard()
    this.tell({ type: 'call.media' })
  }

  pressed(digit: string, durationMs: number): void {
    this.#press(digit, durationMs, 'rtp')
  }

  trouble(trouble: MediaTrouble): void {
    if (!this.ending) this.tell({ type: 'call.media-trouble', trouble })
  }

  silent(silentMs: number): void {
    // On hold no sound is due, as long as the peer answers our requests (ADR 7).
    if (this.facts.state === 'held' && this.#dialogLeg?.peerAnswers) return
    const name = this.media.negotiation?.unknownHost
    const why = name === undefined ? '' : `; ${noAddress(name).text}`
    this.#fail('media-timeout', `no RTP from the peer for ${Math.round(silentMs / 1000)} s${why}`)
  }

  mediaFailed(reason: string): void {
    this.#fail('failed', `media failed: ${reason}`)
  }

  playEnded(mediaId: string, ended: PlayEnded, playedMs: number): void {
    this.tell({ type: 'call.play-ended', mediaId, ended, playedMs })
  }

  recordEnded(mediaId: string, result: RecordResult, ended: 'finished' | 'stopped' | 'hangup'): void {
    this.tell({ type: 'call.record-ended', mediaId, ...result, ended })
  }

  // --- for LiveCall

  /** The local address is gone: an answered call continues from another address, any other call ends. Never rejects; resolves when that is done. */
  async moveTo(place: LocalPlace): Promise<void> {
    const turn = ++this.#moves
    const dialog = this.#dialogLeg
    const failure = this.ending ? undefined : dialog ? await dialog.moveTo(place) : NOT_ANSWERED
    // If a later move has begun, its result decides.
    if (failure && turn === this.#moves) {
      const { sipCode, why } = failure
      this.finish({ by: 'error', cause: 'failed', sipCode, reason: `the local address of the call is gone: ${why}` })
    }
    if (this.ending) await this.ended
  }

  /** For a call that was never placed: closes its media, emits no event. */
  async discard(): Promise<void> {
    this.#ending.decide({ by: 'error', cause: 'failed', sipCode: null, reason: '' })
    await this.media.close()
  }

  #fail(cause: CallEnd['cause'], reason: string): void {
    this.finish({ by: 'error', cause, sipCode: null, reason })
  }

  #connect(settled: Settled, phase: 'early' | 'answered'): void {
    this.facts.use(settled.codec)
    this.media.connect(settled, phase)
  }

  #agree(settled: Settled, now: Moment): void {
    if (this.ending) return
    const { codec } = this.facts
    this.#connect(settled, 'answered')
    if (this.#answeredMs === undefined) {
      this.#answeredMs = now.monoMs
      this.tell({ type: 'call.answered' }, now)
      this.#talking?.resolve()
    } else if (codec && codec !== settled.codec) {
      this.tell({ type: 'call.codec-changed', codec: settled.codec, before: codec }, now)
    }
    if (!this.ending && (this.#changes || this.media.negotiation?.hold.isOn)) this.changes?.follow()
  }

  #enter(dialog: SipDialog, negotiation: Negotiation): DialogLeg {
    const leg = new DialogLeg(this, dialog, negotiation, this.#dialogLeg?.referrals ?? 0)
    this.#dialogLeg = leg
    this.leg = leg
    this.#listener.answeredIn(dialog)
    return leg
  }

  #press(digit: string, durationMs: number, path: DigitPath): void {
    if (this.ending || !this.digits.accept(digit, durationMs, path)) return
    this.facts.noteDigit(digit)
    this.tell({ type: 'call.digit', digit, durationMs })
    this.digits.buffer.push(digit)
  }

  #leave(end: CallEnd, farewell: Farewell | undefined): Promise<number | null> {
    const left = this.leg.leave(end, farewell)
    const parting = this.#parting
    return parting ? left.finally(() => parting) : left
  }

  async #wrapUp(decision: CallEnd, farewell: Farewell | undefined): Promise<void> {
    const { end, stats } = await this.#ending.run(this, decision, {
      leave: (why) => this.#leave(why, farewell),
      closeMedia: () => this.media.close(),
      unknownHost: () => this.media.negotiation?.unknownHost,
    })
    this.log.info({ end }, 'call ended')
    const cdr = this.facts.close(end, stats)
    this.tell({ type: 'call.ended', end, stats, cdr })
    this.#ending.report(end)
    this.#talking?.resolve()
  }
}
