/**
 * RFC 3264 for one audio stream: offers, answers, and the agreement of both sides.
 * Holds what must stay the same through re-negotiation: the order of the m= lines, payload types, the o= version.
 */
import type { CodecName, Direction } from '../base/audio.js'
import { TelephonyError } from '../base/errors.js'
import { isUnicast } from '../base/unicast.js'
import { canonical, ipVersionOf, isHostName, isUnspecified } from './address.js'
import { meet, OPPOSITE } from './direction.js'
import { type MediaDescription, type PayloadFormat, parseDescription } from './media-description.js'
import { formatDescription } from './write-description.js'

export interface LocalMedia {
  /** Address to which the peer sends, IPv4 or IPv6. */
  address: string
  port: number
  rtcpPort: number
  /** In order of preference. */
  codecs: readonly CodecName[]
}

/** A first offer that can be answered: it is checked before ports are opened, and answered later. */
export interface ReadOffer {
  lines: readonly MediaDescription[]
  /** The line that is answered, and its position in `lines`. */
  theirs: MediaDescription
  index: number
  codec: PayloadFormat
  event: PayloadFormat | undefined
  /** The agreement that it leads to. */
  settled: Settled
}

/** The result of offer and answer, from our side. */
export interface Settled {
  /** Where we send: an address or a host name (not looked up here); `0.0.0.0` or `::` if the peer has never named an address. */
  remote: { host: string; port: number; rtcpPort: number }
  codec: CodecName
  /** The peer's number for the codec. */
  payloadType: number
  telephoneEvent?: { send: number; receive: number }
  direction: Direction
  /** The direction in the peer's description, from its side. */
  theirs: Direction
  /** Sound in a packet that we send. */
  ptimeMs: number
}

/** Our default; the peer's number takes precedence (RFC 4733 has no static number). */
const TELEPHONE_EVENT_PAYLOAD_TYPE = 101
/** Our a=ptime, and the length of our packets if the peer has no a=ptime; every peer must accept it (RFC 3551 4.2). */
const PTIME_MS = 20
/** Packet lengths that media can send. */
const PTIMES_MS = [60, 40, 30, 20, 10] as const
const STATIC_PAYLOAD_TYPE: Readonly<Record<CodecName, number>> = { PCMU: 0, PCMA: 8 }
/** Without keys or fingerprints these are the same on the wire. */
const PROTOCOLS: readonly string[] = ['RTP/AVP', 'RTP/AVPF']

export class OfferAnswer {
  #local: LocalMedia
  readonly #origin: { sessionId: number; address: string }
  #version = 0
  #lastText = ''
  /** Our last description; later ones keep its order (RFC 3264 8). */
  #described: readonly MediaDescription[] = []
  /** Kept after its answer: a 2xx of another fork may bring a different answer than the 183 before (RFC 3261 13.2.2.4). */
  #offered: readonly MediaDescription[] | undefined
  /** Our first offer: each fork of the INVITE answers it (RFC 3261 13.2.2.4). */
  #first: readonly MediaDescription[] | undefined
  #awaitsAnswer = false
  #settled: Settled | undefined
  /** The codec in use takes precedence. */
  #keepsCodec = true

  /** `sessionId`: a number that is unique to this call. */
  constructor(local: LocalMedia, sessionId: number) {
    this.#local = local
    this.#origin = { sessionId, address: local.address }
  }

  /** Changes our media address for the next offer (RFC 3264 8.3.1). */
  relocate(to: Pick<LocalMedia, 'address' | 'port' | 'rtcpPort'>): void {
    this.#local = { ...this.#local, ...to }
  }

  get codecs(): readonly CodecName[] {
    return this.#local.codecs
  }

  /** Later offers and answers have these codecs. `prefer: 'list'`: until the next agreement their order takes precedence over the codec in use. */
  useCodecs(codecs: readonly CodecName[], prefer: 'list' | 'in-use'): void {
    this.#local = { ...this.#local, codecs }
    this.#keepsCodec = prefer === 'in-use'
  }

  get settled(): Settled | undefined {
    return this.#settled
  }

  /** Whether our offer waits for an answer. */
  get awaitsAnswer(): boolean {
    return this.#awaitsAnswer
  }

  /** The offer's text. Later offers name all codecs again (RFC 6337 5.2.5), the one in use first. */
  offer(direction: Direction = 'sendrecv'): string {
    const inUse = this.#codecInUse
    const codecs = [...this.#local.codecs].sort((a, b) => Number(b === inUse) - Number(a === inUse))
    const payloads: PayloadFormat[] = codecs.map((name) => ({
      payloadType: STATIC_PAYLOAD_TYPE[name],
      name,
      clockRate: 8000,
    }))
    payloads.push(telephoneEvent(this.#settled?.telephoneEvent?.receive ?? TELEPHONE_EVENT_PAYLOAD_TYPE))
    const audio = this.#describe({ protocol: 'RTP/AVP', payloads, direction })
    const index = this.#described.findIndex((line) => line.port !== 0)
    this.#offered = index < 0 ? [audio] : this.#described.map((line, i) => (i === index ? audio : line))
    this.#first ??= this.#offered
    this.#awaitsAnswer = true
    return this.#text(this.#offered)
  }

  /** Our last offer was refused: no answer to it will come. */
  withdraw(): void {
    this.#offered = undefined
    this.#awaitsAnswer = false
  }

  /** Accepts an answer to our first offer: of another fork, which knows nothing of later offers. Throws like `accept`. */
  acceptFirst(answer: string): Settled {
    this.#offered = this.#first
    return this.accept(answer)
  }

  /** Accepts an answer to our last offer; there may be several. Throws BAD_SDP, NO_COMMON_CODEC; then the last agreement still holds. */
  accept(answer: string): Settled {
    const offered = this.#offered
    if (!offered) throw new TelephonyError('BAD_SDP', 'the peer sent an answer without an offer')
    this.#awaitsAnswer = false
    const lines = parseDescription(answer)
    const index = offered.findIndex((line) => line.port !== 0)
    const ours = offered[index]
    const theirs = lines[index]
    // RFC 3264 6: one line for each of the offer's, of the same kind.
    if (!ours || theirs?.kind !== ours.kind)
      throw new TelephonyError('BAD_SDP', 'the answer has other media lines than the offer')
    const codec = theirs.port === 0 ? undefined : this.#commonCodec(theirs)
    if (!codec) throw noCommonCodec(theirs, this.#local.codecs)
    const receive = ours.payloads.find(isTelephoneEvent)?.payloadType
    const settled = this.#settle(theirs, codec, { receive, allowed: ours.direction })
    this.#described = offered
    this.#settled = settled
    this.#keepsCodec = true
    return settled
  }

  /** Reads an offer for `answer`. `allowed`: the widest direction of the answer. Throws the same errors: BAD_SDP, NO_COMMON_CODEC. */
  check(offer: string, allowed: Direction = 'sendrecv'): ReadOffer {
    const lines = parseDescription(offer)
    const chosen = this.#chooseLine(lines)
    if (!chosen) throw noCommonCodec(lines.find(isAudio), this.#local.codecs)
    const { index, theirs, codec } = chosen
    const event = theirs.payloads.find(isTelephoneEvent)
    const settled = this.#settle(theirs, codec, { receive: event?.payloadType, allowed })
    return { lines, index, theirs, codec, event, settled }
  }

  /** Answers the peer's offer with one codec and telephone-event. Throws BAD_SDP, NO_COMMON_CODEC; then nothing has changed. */
  answer(offer: string | ReadOffer, allowed?: Direction): { text: string; settled: Settled } {
    const read = typeof offer === 'string' ? this.check(offer, allowed) : offer
    const { lines, index, theirs, codec, event, settled } = read
    const payloads = event ? [plain(codec), telephoneEvent(event.payloadType)] : [plain(codec)]
    const audio = this.#describe({ protocol: theirs.protocol, payloads, direction: settled.direction })
    // RFC 3264 6: as many m= lines as the offer, in its order; unsupported ones get port 0.
    const described = lines.map((line, i) => (i === index ? audio : { ...line, port: 0 }))
    const text = this.#text(described)
    this.#offered = undefined
    this.#awaitsAnswer = false
    this.#described = described
    this.#settled = settled
    this.#keepsCodec = true
    return { text, settled }
  }

  /** The line in use if it can be answered, else the first that can. */
  #chooseLine(lines: readonly MediaDescription[]): Pick<ReadOffer, 'index' | 'theirs' | 'codec'> | undefined {
    const inUse = this.#described.findIndex((line) => line.port !== 0)
    for (const index of [inUse, ...lines.keys()]) {
      const theirs = lines[index]
      if (!theirs || !isAudio(theirs) || theirs.port === 0) continue
      const codec = this.#commonCodec(theirs)
      if (codec) return { index, theirs, codec }
    }
    return undefined
  }

  /** The codec in use if it is offered again, else the first of the peer's codecs that we support (RFC 3264 6.1). */
  #commonCodec(line: MediaDescription): PayloadFormat | undefined {
    if (!PROTOCOLS.includes(line.protocol.toUpperCase())) return undefined
    let first: PayloadFormat | undefined
    for (const payload of line.payloads) {
      const codec = this.#localCodec(payload)
      if (codec !== undefined && codec === this.#codecInUse) return payload
      if (codec !== undefined) first ??= payload
    }
    return first
  }

  get #codecInUse(): CodecName | undefined {
    return this.#keepsCodec ? this.#settled?.codec : undefined
  }

  #localCodec(payload: PayloadFormat): CodecName | undefined {
    if (payload.clockRate !== 8000) return undefined
    return this.#local.codecs.find((name) => name === payload.name.toUpperCase())
  }

  #settle(
    theirs: MediaDescription,
    payload: PayloadFormat,
    { receive, allowed }: { receive: number | undefined; allowed: Direction },
  ): Settled {
    const codec = this.#localCodec(payload)
    const { address } = theirs
    if (!codec) throw noCommonCodec(theirs, this.#local.codecs)
    const host = this.#sendable(address)
    const send = theirs.payloads.find(isTelephoneEvent)?.payloadType
    const silenced = isUnspecified(host)
    const previous = this.#settled?.remote
    const remote = { host, port: theirs.port, rtcpPort: theirs.rtcpPort ?? Math.min(theirs.port + 1, 65_535) }
    const direction = silenced ? withoutReceiving(theirs.direction) : theirs.direction
    const settled: Settled = {
      // Nothing is sent to it now; the last address still identifies the peer's packets.
      remote: silenced && previous ? previous : remote,
      codec,
      payloadType: payload.payloadType,
      // RFC 3264 6.1: an answer that allows more than our offer does not widen it.
      direction: meet(OPPOSITE[direction], allowed),
      theirs: direction,
      ptimeMs: packetMs(theirs),
    }
    if (send !== undefined && receive !== undefined) settled.telephoneEvent = { send, receive }
    return settled
  }

  /**
   * Checks that our sockets can send to the address: same IP version as media, or a host name. Our stream is unicast (RFC 3264 5);
   * an unspecified address asks for silence.
   */
  #sendable(address: string | undefined): string {
    const ours = ipVersionOf(this.#local.address) ?? 4
    const family = ipVersionOf(address)
    const isGroup = family !== undefined && !isUnicast(address ?? '') && !isUnspecified(address ?? '')
    if (address !== undefined && family === ours && !isGroup) return canonical(address)
    if (address !== undefined && isHostName(address)) return address.toLowerCase()
    const ourMedia = isGroup ? 'our media goes to one peer only' : `our media uses IPv${ours}`
    throw new TelephonyError('NO_COMMON_CODEC', `the SDP of the peer has ${described(address)}, but ${ourMedia}`)
  }

  #describe(init: Pick<MediaDescription, 'protocol' | 'payloads' | 'direction'>): MediaDescription {
    const { address, port, rtcpPort } = this.#local
    const { protocol, payloads, direction } = init
    const formats = payloads.map(({ payloadType }) => String(payloadType))
    return { kind: 'audio', port, protocol, formats, payloads, address, rtcpPort, direction, ptimeMs: PTIME_MS }
  }

  /** RFC 3264 8: the version rises by one with every change, and only then; the rest of o= never changes, not even the address. */
  #text(media: readonly MediaDescription[]): string {
    const { address } = this.#local
    const { sessionId, address: origin } = this.#origin
    const at = (version: number) => formatDescription({ sessionId, version, address: origin }, media, address)
    if (this.#lastText === '' || at(this.#version) !== this.#lastText) this.#lastText = at(++this.#version)
    return this.#lastText
  }
}

function described(address: string | undefined): string {
  if (address === undefined) return 'no address'
  const family = ipVersionOf(address)
  if (family !== undefined && !isUnicast(address)) return `“${address}”, which is not the address of one machine`
  const what = family === undefined ? 'is neither a unicast address nor a host name' : `is an IPv${family} address`
  return `“${address.slice(0, 64)}”, which ${what}`
}

/** RFC 8866 6.4: a=ptime is the peer's wish, a=maxptime its limit; returns the largest fitting length that we can send. */
function packetMs({ ptimeMs = PTIME_MS, maxPtimeMs = ptimeMs }: MediaDescription): number {
  const mostMs = Math.min(ptimeMs, maxPtimeMs)
  return PTIMES_MS.find((ms) => ms <= mostMs) ?? 10
}

/** RFC 3264 8.4: c=0.0.0.0 means that the peer receives nothing, the hold of RFC 2543. */
const withoutReceiving = (direction: Direction): Direction =>
  direction === 'sendrecv' || direction === 'sendonly' ? 'sendonly' : 'inactive'

const isAudio = (line: MediaDescription): boolean => line.kind === 'audio'

/** Only at the clock rate of the codec, which is the unit of an event's duration (RFC 4733 2.1). */
const isTelephoneEvent = (payload: PayloadFormat): boolean =>
  payload.name.toLowerCase() === 'telephone-event' && payload.clockRate === 8000

const telephoneEvent = (payloadType: number): PayloadFormat => ({
  payloadType,
  name: 'telephone-event',
  clockRate: 8000,
  // RFC 4733 7.1.1: 0-9 * # A-D.
  fmtp: '0-15',
})

const plain = ({ payloadType, name, clockRate }: PayloadFormat): PayloadFormat => ({ payloadType, name, clockRate })

function noCommonCodec(line: MediaDescription | undefined, codecs: readonly CodecName[]): TelephonyError {
  if (!line) return new TelephonyError('NO_COMMON_CODEC', 'the peer offers no audio')
  if (line.port === 0) return new TelephonyError('NO_COMMON_CODEC', 'the peer refuses audio')
  const names = line.payloads.map(({ name }) => name.slice(0, 32)).slice(0, 8)
  const offered = `${line.protocol.slice(0, 32)} ${names.join(', ')} at ${line.address?.slice(0, 64) ?? 'no address'}`
  return new TelephonyError(
    'NO_COMMON_CODEC',
    `no common codec: the peer has ${offered}, we have ${codecs.join(', ')} over RTP/AVP`,
  )
}
