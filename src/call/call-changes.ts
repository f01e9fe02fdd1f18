/** What an offer changes in an answered call: hold, resume, codecs. Our commands run one after the other; the peer's offers may come between. */
import { TelephonyError } from '../base/errors.js'
import type { ToPlay } from '../media/client.js'
import type { CodecName, EncodedPrompt } from '../media/protocol.js'
import type { CallEvent, HeldDirection } from './call-event.js'
import type { CallFacts } from './call-facts.js'
import type { CallSound } from './call-sound.js'
import type { DialogLeg } from './dialog-leg.js'
import type { Negotiation } from './negotiation.js'
import type { CallAccount } from './types.js'

type HoldEvent = Pick<CallEvent & { type: 'call.held' }, 'type' | 'by' | 'direction'>
type ResumeEvent = Pick<CallEvent & { type: 'call.resumed' }, 'type' | 'by'>

/** The call, as its changes see it. */
interface ChangesHost {
  readonly account: CallAccount
  readonly facts: CallFacts
  readonly ending: boolean
  readonly media: { readonly sound: CallSound | undefined }
  tell(event: HoldEvent | ResumeEvent): void
}

export class CallChanges {
  readonly #host: ChangesHost
  #leg: DialogLeg
  #negotiation: Negotiation
  #last: Promise<unknown> = Promise.resolve()
  #local = false
  #remote: HeldDirection | 'sendrecv' = 'sendrecv'
  /** What the peer hears while we hold the call; undefined: silence. */
  #music: EncodedPrompt | undefined

  constructor(host: ChangesHost, leg: DialogLeg, negotiation: Negotiation) {
    this.#host = host
    this.#leg = leg
    this.#negotiation = negotiation
  }

  /** Resolves when the peer has agreed. Rejects with REFUSED, CALL_ENDED, and with the errors of the music; then the call continues as before. */
  hold(music?: ToPlay): Promise<void> {
    return this.#next(async () => {
      const { sound } = this.#host.media
      this.#music = music && (await sound?.prepare(music))
      if (this.#local) sound?.hold(this.#music)
      else await this.#setHold(true)
    })
  }

  resume(): Promise<void> {
    return this.#next(async () => {
      if (this.#local) await this.#setHold(false)
    })
  }

  /** Offers these codecs in place of the call's earlier ones. Resolves with the codec that the peer has chosen. */
  useCodecs(codecs: readonly CodecName[]): Promise<CodecName> {
    return this.#next(async () => {
      const { codecs: earlier } = this.#negotiation
      this.#negotiation.useCodecs(codecs, 'list')
      if (!(await this.#leg.offerAgain())) {
        this.#negotiation.useCodecs(earlier, 'in-use')
        throw this.#refused(`the codecs ${codecs.join(', ')}`)
      }
      return this.#host.facts.codec ?? (codecs[0] as CodecName)
    })
  }

  /** The call goes on with another peer, which holds nothing yet. */
  moveTo(leg: DialogLeg, negotiation: Negotiation): void {
    this.#leg = leg
    this.#negotiation = negotiation
  }

  /** Call it after each agreement. */
  follow(): void {
    const { account, facts, media } = this.#host
    const { local, remote } = this.#negotiation.hold
    const events: (HoldEvent | ResumeEvent)[] = []
    if (local !== this.#local) {
      if (local) media.sound?.hold(this.#music)
      else media.sound?.resume()
      const direction = this.#negotiation.settled?.direction === 'inactive' ? 'inactive' : 'sendonly'
      events.push(local ? { type: 'call.held', by: 'local', direction } : { type: 'call.resumed', by: 'local' })
    }
    if (remote !== this.#remote) {
      if (remote === 'sendrecv') events.push({ type: 'call.resumed', by: 'remote' })
      else events.push({ type: 'call.held', by: 'remote', direction: remote })
    }
    this.#local = local
    this.#remote = remote
    facts.hold({ local, remote: remote !== 'sendrecv' })
    // With a media timeout of 0 silent peers are not probed.
    this.#leg.watch((local || remote !== 'sendrecv') && account.mediaTimeoutMs > 0)
    for (const event of events) this.#host.tell(event)
  }

  async #setHold(on: boolean): Promise<void> {
    const { hold } = this.#negotiation
    hold.want(on)
    await this.#leg.offerAgain()
    if (hold.local === on && !this.#host.ending) return
    hold.want(!on)
    throw this.#refused(on ? 'the hold' : 'the resume')
  }

  #next<Result>(change: () => Promise<Result>): Promise<Result> {
    const run = () => {
      if (this.#host.ending) throw new TelephonyError('CALL_ENDED', 'the call has ended')
      return change()
    }
    const done = this.#last.then(run)
    this.#last = done.catch(() => undefined)
    return done
  }

  #refused(what: string): TelephonyError {
    if (this.#host.ending) return new TelephonyError('CALL_ENDED', 'the call has ended')
    const { refusal } = this.#leg
    const answer = refusal ? `${refusal.status} ${refusal.reason}`.slice(0, 64) : 'no usable answer'
    return new TelephonyError('REFUSED', `the other side refused ${what}: ${answer}. The call continues as before`)
  }
}
