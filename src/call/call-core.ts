/** The core of a call: its facts, state and media, and the only place that ends it. Legs act on it; LiveCall has the commands. */
import type { Clock } from '../base/clock.js'
import { deferred } from '../base/deferred.js'
import { TelephonyError } from '../base/errors.js'
import { randomBetween } from '../base/ids.js'
import type { Logger } from '../base/logger.js'
import type { MediaSession } from '../media/client.js'
import type { CodecName, Direction, MediaStats } from '../media/protocol.js'
import { OPPOSITE, type Settled } from '../sdp/offer-answer.js'
import type { SipDialog, SipMessage } from '../sip/types.js'
import type { CallEnd, CallEvent, CallState } from './call-event.js'
import { type CallFacts, cdrOf, momentOf, noteDigit, noteHeaders, snapshotOf } from './call-facts.js'
import { CallSound } from './call-sound.js'
import { nextState } from './call-state.js'
import { DialogLeg } from './dialog-leg.js'
import { DigitBuffer, DigitMerge, type DigitPath } from './digits.js'
import { FirstKey } from './first-key.js'
import { takeLastSteps } from './last-steps.js'
import type { Leg, LegHost } from './leg.js'
import { noAddress, troubleAtEnd } from './media-trouble.js'
import { Negotiation } from './negotiation.js'
import type { CallAccount, CallDeps, CallPlace } from './types.js'

type Shared = 'callId' | 'at' | 'seq' | 'call' | 'owner'
/** An event's own fields; `tell` adds the fields that all events share. */
type EventFields<E = CallEvent> = E extends CallEvent ? Omit<E, Shared> : never

const NOT_ANSWERED = { sipCode: null, why: 'the call was not yet answered' }

export interface CallCoreInit {
  facts: CallFacts
  account: CallAccount
  codecs: readonly CodecName[]
  owner: string | null
  /** Receives every event. */
  tell: (event: CallEvent) => void
  /** Called when the end has been decided, before signalling and media are closed. */
  ending: () => void
}

export class CallCore implements LegHost {
  readonly clock: Clock
  readonly log: Logger
  readonly account: CallAccount
  readonly facts: CallFacts
  readonly digits = new DigitBuffer()
  readonly #firstKey: FirstKey
  /** Set before the first event. */
  leg!: Leg
  /** Set when media has been opened. */
  sound: CallSound | undefined
  readonly #deps: CallDeps
  readonly #init: CallCoreInit
  readonly #ended = deferred<CallEnd>()
  readonly #talking = deferred<void>()
  readonly #digitMerge = new DigitMerge()
  #opening: Promise<Negotiation> | undefined
  #negotiation: Negotiation | undefined
  #dialogLeg: DialogLeg | undefined
  #heldBy: Direction = 'sendrecv'
  #end: CallEnd | undefined
  #latest: SipMessage | undefined
  #ringingReported = false
  #answeredReported = false
  #noAddressTold = false
  #seq = 0
  #moves = 0
  /** Why the peer could not be informed of the end. */
  #unsent: string | undefined

  constructor(deps: CallDeps, init: CallCoreInit) {
    this.#deps = deps
    this.#init = init
    this.clock = deps.clock
    this.#firstKey = new FirstKey(deps.clock)
    this.log = deps.log
    this.account = init.account
    this.facts = init.facts
  }

  get ending(): boolean {
    return this.#end !== undefined
  }

  get ended(): Promise<CallEnd> {
    return this.#ended.promise
  }

  /** Resolves when the first key may be sent; undefined if it may be sent now. Before the answer keys are for early media and are sent at once. */
  get keysWait(): Promise<boolean> | undefined {
    return this.#firstKey.wait()
  }

  /** Resolves when the call is answered and offer and answer are complete. Never resolves if the call ends first. */
  get talking(): Promise<void> {
    return this.#talking.promise
  }

  tell(fields: EventFields): void {
    const now = momentOf(this.clock)
    const event: Pick<CallEvent, Shared> = {
      callId: this.facts.id,
      at: new Date(now.wallMs).toISOString(),
      seq: ++this.#seq,
      call: snapshotOf(this.facts, now),
      owner: this.#init.owner,
      ...fields,
    }
    try {
      this.#init.tell(event as CallEvent)
    } catch (error) {
      this.log.error({ err: error, type: fields.type }, 'a listener of call events threw')
    }
  }

  negotiation(): Promise<Negotiation> {
    this.#opening ??= this.#open()
    return this.#opening
  }

  noteHeaders(message: SipMessage): void {
    this.#latest = message
    noteHeaders(this.facts, message, this.account.exposeHeaders)
  }

  ringing(sipCode: number): void {
    if (this.ending || this.#ringingReported) return
    this.#ringingReported = true
    this.facts.ringing ??= momentOf(this.clock)
    if (this.facts.state === 'trying') this.#become('ringing')
    this.tell({ type: 'call.ringing', sipCode })
  }

  early(settled: Settled, sipCode: number): void {
    if (this.ending) return
    this.#connect(settled, 'early')
    if (this.facts.state === 'early') return
    this.facts.ringing ??= momentOf(this.clock)
    this.#become('early')
    this.tell({ type: 'call.early', sipCode })
  }

  answered(dialog: SipDialog, settled: Settled | undefined): void {
    if (!this.#negotiation) throw new TelephonyError('INTERNAL', 'the call was answered without media')
    const { random = randomBetween } = this.#deps
    const ownsCallId = this.facts.direction === 'outbound'
    this.#dialogLeg = new DialogLeg(this, dialog, this.#negotiation, { ownsCallId, random })
    this.leg = this.#dialogLeg
    this.facts.answered = momentOf(this.clock)
    this.#become('answered')
    if (settled) this.settled(settled)
  }

  settled(settled: Settled): void {
    if (this.ending) return
    this.#connect(settled, 'answered')
    if (!this.#answeredReported) {
      this.#answeredReported = true
      this.#firstKey.answered()
      this.tell({ type: 'call.answered' })
      this.#talking.resolve()
    }
    this.#followDirection(settled.direction)
  }

  /** The local address is gone: an answered call continues from another address, any other call ends. Never rejects; resolves when that is done. */
  async moveTo(place: CallPlace): Promise<void> {
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

  digit(digit: string, durationMs: number): void {
    this.#press(digit, durationMs, 'info')
  }

  finish(end: CallEnd): void {
    if (this.#end) return
    this.#end = end
    this.facts.ended = momentOf(this.clock)
    this.#firstKey.ended()
    this.#init.ending()
    void this.#wrapUp(end)
  }

  unsent(reason: string): void {
    this.#unsent = reason.slice(0, 256)
  }

  /** For a call that was never placed: closes its media, emits no event. */
  async discard(): Promise<void> {
    this.#end = { by: 'error', cause: 'failed', sipCode: null, reason: '' }
    await this.#closeMedia()
  }

  async #open(): Promise<Negotiation> {
    const { account, facts } = this
    const { codecs } = this.#init
    const { address, portMin, portMax, advertise } = account.rtp
    const preferred = codecs[0]
    const where = { id: facts.id, address, portMin, portMax, ...(preferred ? { preferredCodec: preferred } : {}) }
    const session = await this.#deps.media.open(where)
    if (this.ending) {
      await session.close()
      throw new TelephonyError('CALL_ENDED', 'the call ended while its media was being opened')
    }
    this.#listen(session)
    this.sound = new CallSound(session, {
      playEnded: (mediaId, ended, playedMs) => this.tell({ type: 'call.play-ended', mediaId, ended, playedMs }),
      recordEnded: (mediaId, result, ended) => this.tell({ type: 'call.record-ended', mediaId, ...result, ended }),
    })
    const { mediaTimeoutMs, mediaSource = 'auto' } = account
    const latest = () => this.#latest
    const { lookup } = this.#deps
    const noAddress = (name: string) => this.#noAddress(name)
    const init = { advertise, codecs, mediaTimeoutMs, mediaSource, latest, lookup, noAddress }
    this.#negotiation = new Negotiation(session, init)
    return this.#negotiation
  }

  #listen(session: MediaSession): void {
    session.once('started', () => this.#heard())
    session.on('digit', (digit, durationMs) => this.#press(digit, durationMs, 'rtp'))
    session.on('trouble', (trouble) => {
      if (!this.ending) this.tell({ type: 'call.media-trouble', trouble })
    })
    session.on('timeout', (silentMs) => {
      // On hold the peer need not send sound, as long as it answers our requests (ADR 7).
      if (this.facts.state === 'held' && this.#dialogLeg?.peerAnswers) return
      const name = this.#negotiation?.unknownHost
      const why = name === undefined ? '' : `; ${noAddress(name).text}`
      this.#fail('media-timeout', `no RTP from the peer for ${Math.round(silentMs / 1000)} s${why}`)
    })
    session.on('failed', (reason) => this.#fail('failed', `media failed: ${reason}`))
  }

  #heard(): void {
    if (this.ending) return
    this.#firstKey.heard()
    this.#negotiation?.heard().catch((error: unknown) => this.#mediaFailed(error))
    this.tell({ type: 'call.media' })
  }

  /** Told once per call, as other trouble is. */
  #noAddress(name: string): void {
    if (this.ending || this.#noAddressTold) return
    this.#noAddressTold = true
    this.tell({ type: 'call.media-trouble', trouble: noAddress(name) })
  }

  #mediaFailed(error: unknown): void {
    this.#fail('failed', `media failed: ${TelephonyError.from(error).message}`)
  }

  #fail(cause: CallEnd['cause'], reason: string): void {
    this.finish({ by: 'error', cause, sipCode: null, reason })
  }

  #become(state: CallState): void {
    this.facts.state = nextState(this.facts.state, state)
  }

  #connect(settled: Settled, phase: 'early' | 'answered'): void {
    this.facts.codec = settled.codec
    this.#negotiation?.connect(settled, phase).catch((error: unknown) => this.#mediaFailed(error))
  }

  /** A call is held if the peer's direction is not sendrecv. */
  #followDirection(ours: Direction): void {
    const theirs = OPPOSITE[ours]
    if (this.ending || theirs === this.#heldBy) return
    this.#heldBy = theirs
    // With a media timeout of 0 silent peers are not probed.
    this.#dialogLeg?.watch(theirs !== 'sendrecv' && this.account.mediaTimeoutMs > 0)
    if (theirs === 'sendrecv') {
      this.#become('answered')
      this.tell({ type: 'call.resumed' })
    } else {
      if (this.facts.state !== 'held') this.#become('held')
      this.tell({ type: 'call.held', direction: theirs })
    }
  }

  #press(digit: string, durationMs: number, path: DigitPath): void {
    if (this.ending || !this.#digitMerge.accept(digit, durationMs, path, this.clock.now())) return
    noteDigit(this.facts, digit)
    this.tell({ type: 'call.digit', digit, durationMs })
    this.digits.push(digit)
  }

  async #wrapUp(end: CallEnd): Promise<void> {
    const { status, stats } = await takeLastSteps(this, {
      leave: () => this.leg.leave(end),
      closeMedia: () => this.#closeMedia(),
    })
    const reported = this.#unsentEnd(end) ?? { ...end, sipCode: end.sipCode ?? status }
    const name = this.#negotiation?.unknownHost
    this.#tellEnd({ ...reported, ...troubleAtEnd(reported, stats, name) }, stats)
  }

  /** If the BYE could not be sent, the call continues for the peer: that is not a normal end. */
  #unsentEnd({ cause }: CallEnd): CallEnd | undefined {
    if (this.#unsent === undefined || cause !== 'normal') return undefined
    return { by: 'error', cause: 'failed', sipCode: 503, reason: this.#unsent }
  }

  async #closeMedia(): Promise<MediaStats | null> {
    // A port that is being opened is closed when the opening has finished.
    await this.#opening?.catch(() => {})
    return (await this.sound?.close()) ?? null
  }

  #tellEnd(end: CallEnd, stats: MediaStats | null): void {
    const { facts } = this
    this.#become('ended')
    facts.end = end
    this.log.info({ end }, 'call ended')
    const cdr = cdrOf(facts, end, facts.ended ?? momentOf(this.clock), stats)
    this.tell({ type: 'call.ended', end: { ...end }, stats, cdr })
    this.#ended.resolve(end)
  }
}
