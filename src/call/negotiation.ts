/** Offer and answer of one call; connects its media as they agree. */
import { isIP } from 'node:net'
import { isDeepStrictEqual } from 'node:util'
import { TelephonyError } from '../base/errors.js'
import { newToken } from '../base/ids.js'
import type { MediaSession } from '../media/client.js'
import type { CodecName, MediaConnect } from '../media/protocol.js'
import { OfferAnswer, type ReadOffer, type Settled } from '../sdp/offer-answer.js'
import type { HeaderField, SipBody, SipMessage } from '../sip/types.js'
import { Hold } from './hold.js'
import { type MediaSource, natHosts } from './nat.js'
import { type HostLookup, PeerHost } from './peer-host.js'
import { SDP, sdpOf } from './session-body.js'
import type { CallAccount } from './types.js'

const HOLD_TIMEOUT_MS = 300_000
/** The wait for the peer's first packet is longer than for later ones: 30 s instead of 20 s. */
const FIRST_PACKET_FACTOR = 1.5

export class Negotiation {
  readonly hold = new Hold()
  readonly #session: MediaSession
  readonly #offerAnswer: OfferAnswer
  readonly #mediaTimeoutMs: number
  readonly #mediaSource: MediaSource
  /** The peer's latest message: it may show a NAT. */
  readonly #latest: () => SipMessage | undefined
  #connected: Omit<MediaConnect, 'id'> | undefined
  #phase: 'early' | 'answered' = 'early'
  #heard = false
  #moving: Promise<void> = Promise.resolve()
  /** The latest agreement; media is connected to it when its host name has been looked up. */
  #agreement: Settled | undefined
  readonly #peerHost: PeerHost
  readonly #noAddress: (name: string) => void

  constructor(
    session: MediaSession,
    init: {
      advertise: string
      codecs: readonly CodecName[]
      mediaTimeoutMs: number
      mediaSource?: MediaSource
      latest?: () => SipMessage | undefined
      lookup?: HostLookup
      /** Called for each connection whose host name has no address. */
      noAddress?: (name: string) => void
    },
  ) {
    const { port, rtcpPort } = session.local
    const local = { address: init.advertise, port, rtcpPort, codecs: init.codecs }
    this.#session = session
    this.#mediaSource = init.mediaSource ?? 'auto'
    this.#latest = init.latest ?? (() => undefined)
    this.#mediaTimeoutMs = init.mediaTimeoutMs
    this.#offerAnswer = new OfferAnswer(local, newSessionId())
    this.#noAddress = init.noAddress ?? (() => {})
    this.#peerHost = new PeerHost(init.lookup ?? (async () => []), () => isIP(session.local.host))
  }

  /** The host name in the peer's SDP, if it has no address: then media is exchanged only with the source of the peer's signalling. */
  get unknownHost(): string | undefined {
    return this.#peerHost.unknownName
  }

  get settled(): Settled | undefined {
    return this.#offerAnswer.settled
  }

  get awaitsAnswer(): boolean {
    return this.#offerAnswer.awaitsAnswer
  }

  offer(): SipBody {
    return { contentType: SDP, content: this.#offerAnswer.offer(this.hold.offer()) }
  }

  /** Answers the peer's offer. Throws BAD_SDP, NO_COMMON_CODEC. */
  answer(offer: SipBody | ReadOffer): { body: SipBody; settled: Settled } {
    const read = 'content' in offer ? sdpOf(offer) : offer
    const { text, settled } = this.#offerAnswer.answer(read, this.hold.allowed)
    this.hold.answered(settled.theirs)
    return { body: { contentType: SDP, content: text }, settled }
  }

  /** The peer's answer to our offer. Throws BAD_SDP, NO_COMMON_CODEC. */
  accept(answer: SipBody): Settled {
    return this.#accepted(this.#offerAnswer.accept(sdpOf(answer)))
  }

  /** A fork's answer to the offer in our INVITE; other forks may have gone on meanwhile. */
  acceptFirst(answer: SipBody): Settled {
    return this.#accepted(this.#offerAnswer.acceptFirst(sdpOf(answer)))
  }

  #accepted(settled: Settled): Settled {
    this.hold.accepted(settled.theirs)
    return settled
  }

  get codecs(): readonly CodecName[] {
    return this.#offerAnswer.codecs
  }

  /** Later offers and answers have these codecs. `prefer: 'list'`: until the next agreement their order takes precedence over the codec in use. */
  useCodecs(codecs: readonly CodecName[], prefer: 'list' | 'in-use'): void {
    this.#offerAnswer.useCodecs(codecs, prefer)
  }

  /** Our offer was refused: the earlier agreement remains (RFC 3261 14.1). */
  withdraw(): void {
    this.#offerAnswer.withdraw()
  }

  /** Connects media. With a host name this happens again when the name has been looked up. */
  async connect(settled: Settled, phase: 'early' | 'answered'): Promise<void> {
    this.#phase = phase
    this.#agreement = settled
    const { now, later } = this.#peerHost.addressOf(settled.remote.host)
    this.#connectTo(settled, now)
    if (!later) return
    const address = await later
    if (this.#agreement !== settled) return
    if (address === undefined) this.#noAddress(settled.remote.host)
    this.#connectTo(settled, address)
  }

  /** Without an address nothing is sent until an allowed source sends. A repeated answer has no effect. */
  #connectTo(settled: Settled, address: string | undefined): void {
    const { remote } = settled
    const timeoutMs = this.#phase === 'early' ? 0 : this.#timeoutMs(settled)
    const hosts = natHosts(address, this.#latest(), this.#mediaSource)
    const nowhere = isIP(this.#session.local.host) === 6 ? '::' : '0.0.0.0'
    const { codec, payloadType, telephoneEvent, direction, ptimeMs } = settled
    const host = address ?? nowhere
    const parameters: Omit<MediaConnect, 'id'> = {
      remote: { host, port: remote.port, rtcpPort: remote.rtcpPort },
      codec,
      payloadType,
      direction,
      ptimeMs,
      timeoutMs,
    }
    if (telephoneEvent) parameters.telephoneEvent = telephoneEvent
    if (hosts.length > 0) parameters.natHosts = hosts
    if (this.#connected && isDeepStrictEqual(parameters, this.#connected)) return
    this.#connected = parameters
    this.#session.connect(parameters)
  }

  /** The peer has left: nothing is sent, and silence has no limit. */
  pause(): void {
    if (!this.#connected) return
    this.#agreement = undefined
    this.#connected = { ...this.#connected, direction: 'inactive', timeoutMs: 0 }
    this.#session.connect(this.#connected)
  }

  /** The media belongs to another negotiation from now on. */
  retire(): void {
    this.#agreement = undefined
  }

  /** Media continues at another local address; the next offer contains it. Rejects with NO_PORTS, TRANSPORT. */
  moveTo(rtp: CallAccount['rtp']): Promise<void> {
    const move = () => this.#moveTo(rtp)
    this.#moving = this.#moving.then(move, move)
    return this.#moving
  }

  async #moveTo({ address, advertise, portMin, portMax }: CallAccount['rtp']): Promise<void> {
    await this.#session.moveTo({ address, portMin, portMax })
    const { port, rtcpPort } = this.#session.local
    this.#offerAnswer.relocate({ address: advertise, port, rtcpPort })
  }

  /** The peer's first packet has come: from now on the shorter timeout holds. */
  async heard(): Promise<void> {
    this.#heard = true
    if (this.settled) await this.connect(this.settled, this.#phase)
  }

  /** Early media may pause (the ring timeout limits it); a peer that holds the call may be silent for a long but limited time. */
  #timeoutMs({ direction }: Settled): number {
    if (this.#mediaTimeoutMs === 0) return 0
    if (direction !== 'sendrecv') return Math.max(this.#mediaTimeoutMs, HOLD_TIMEOUT_MS)
    return this.#heard ? this.#mediaTimeoutMs : this.#mediaTimeoutMs * FIRST_PACKET_FACTOR
  }
}

/** Reads an offer before ports are opened for it. Throws BAD_SDP, NO_COMMON_CODEC if it cannot be answered. */
export function readOffer(offer: SipBody, init: { advertise: string; codecs: readonly CodecName[] }): ReadOffer {
  const { advertise: address, codecs } = init
  return new OfferAnswer({ address, port: 2, rtcpPort: 3, codecs }, 1).check(sdpOf(offer))
}

/** The status that refuses an offer for this error (RFC 3261 21.4.26, 21.4.13, 13.3.1.3). */
export function statusOfSdpError(error: unknown): number {
  const { code } = TelephonyError.from(error)
  return code === 'NO_COMMON_CODEC' ? 488 : code === 'BAD_SDP' ? 400 : 500
}

/** RFC 3261 13.3.1.3: a refused offer is explained in a Warning (20.43; 399: text for people). Our own faults are not disclosed. */
export function warningsOf(error: unknown): HeaderField[] {
  const { message } = TelephonyError.from(error)
  if (statusOfSdpError(error) === 500) return []
  const text = message.replace(/["“”\\]/g, "'").replace(/[^ -~]/g, '?')
  return [['Warning', `399 ringflow "${text}"`]]
}

/** RFC 3264 5: numeric. Random, so that it does not disclose a clock or a counter. */
const newSessionId = (): number => 1 + (Number.parseInt(newToken(6), 16) % (2 ** 47 - 1))
