/** Joins a call to its media: opened once, connected as offer and answer agree, closed at the end. */
import { TelephonyError } from '../base/errors.js'
import type { MediaService, MediaSession, MediaSessionInit } from '../media/client.js'
import type { CodecName, MediaStats, MediaTrouble } from '../media/protocol.js'
import type { Settled } from '../sdp/offer-answer.js'
import type { SipMessage } from '../sip/types.js'
import { CallSound, type CallSoundEvents } from './call-sound.js'
import { noAddress } from './media-trouble.js'
import { Negotiation } from './negotiation.js'
import type { HostLookup } from './peer-host.js'
import type { CallAccount } from './types.js'

/** The call, as its media sees it. */
export interface MediaLinkHost extends CallSoundEvents {
  readonly id: string
  readonly account: CallAccount
  /** True when the end of the call has been decided. */
  readonly ending: boolean
  /** The first packet of the peer has come. */
  heard(): void
  pressed(digit: string, durationMs: number): void
  trouble(trouble: MediaTrouble): void
  silent(silentMs: number): void
  mediaFailed(reason: string): void
}

interface MediaLinkInit {
  codecs: readonly CodecName[]
  /** The peer's latest message: it may show a NAT. */
  latest: () => SipMessage | undefined
}

export class MediaLink {
  readonly #deps: { media: MediaService; lookup: HostLookup }
  readonly #host: MediaLinkHost
  readonly #init: MediaLinkInit
  #opening: Promise<Negotiation> | undefined
  #session: MediaSession | undefined
  #negotiation: Negotiation | undefined
  #sound: CallSound | undefined
  #noAddressReported = false

  constructor(deps: { media: MediaService; lookup: HostLookup }, host: MediaLinkHost, init: MediaLinkInit) {
    this.#deps = deps
    this.#host = host
    this.#init = init
  }

  /** Opens media once. Rejects with NO_PORTS …, and with CALL_ENDED if the call ended meanwhile. */
  open(): Promise<Negotiation> {
    this.#opening ??= this.#open()
    return this.#opening
  }

  /** Undefined before media has been opened. */
  get negotiation(): Negotiation | undefined {
    return this.#negotiation
  }

  /** An offer and answer with another peer, on the same media. */
  successor(): Negotiation {
    if (!this.#session) throw new TelephonyError('INTERNAL', 'the call has no media')
    return this.#negotiationOn(this.#session)
  }

  /** The media follows this negotiation from now on. */
  follow(negotiation: Negotiation): void {
    this.#negotiation?.retire()
    this.#negotiation = negotiation
  }

  /** The actions on the sound; made by the first of them. Undefined before media has been opened. */
  get sound(): CallSound | undefined {
    if (this.#session) this.#sound ??= new CallSound(this.#session, this.#host)
    return this.#sound
  }

  /** Whether a play, digits or a recording is in progress. */
  get isBusy(): boolean {
    return this.#sound?.busy ?? false
  }

  connect(settled: Settled, phase: 'early' | 'answered'): void {
    this.#negotiation?.connect(settled, phase).catch((error: unknown) => this.#failed(error))
  }

  /** Frees the ports. A port that is being opened is closed when the opening has finished. */
  async close(): Promise<MediaStats | null> {
    if (this.#opening && !this.#session) await this.#opening.catch(() => {})
    if (this.#sound) return this.#sound.close()
    return this.#session ? this.#session.close() : null
  }

  async #open(): Promise<Negotiation> {
    const { id, account } = this.#host
    const { codecs } = this.#init
    const { address, portMin, portMax } = account.rtp
    const where: MediaSessionInit = { id, address, portMin, portMax }
    if (codecs[0]) where.preferredCodec = codecs[0]
    const session = await this.#deps.media.open(where)
    if (this.#host.ending) {
      await session.close()
      throw new TelephonyError('CALL_ENDED', 'the call ended while its media was being opened')
    }
    this.#session = session
    this.#listen(session)
    this.#negotiation = this.#negotiationOn(session)
    return this.#negotiation
  }

  #negotiationOn(session: MediaSession): Negotiation {
    const { mediaTimeoutMs, mediaSource = 'auto', rtp } = this.#host.account
    const { codecs, latest } = this.#init
    return new Negotiation(session, {
      advertise: rtp.advertise,
      codecs,
      mediaTimeoutMs,
      mediaSource,
      latest,
      lookup: this.#deps.lookup,
      noAddress: (name) => this.#noAddress(name),
    })
  }

  #listen(session: MediaSession): void {
    const host = this.#host
    session.once('started', () => {
      if (host.ending) return
      this.#negotiation?.heard().catch((error: unknown) => this.#failed(error))
      host.heard()
    })
    session.on('digit', (digit, durationMs) => host.pressed(digit, durationMs))
    session.on('trouble', (trouble) => host.trouble(trouble))
    session.on('timeout', (silentMs) => host.silent(silentMs))
    session.on('failed', (reason) => host.mediaFailed(reason))
  }

  /** Reported once per call, as other trouble is. */
  #noAddress(name: string): void {
    if (this.#noAddressReported) return
    this.#noAddressReported = true
    this.#host.trouble(noAddress(name))
  }

  #failed(error: unknown): void {
    this.#host.mediaFailed(TelephonyError.from(error).message)
  }
}
