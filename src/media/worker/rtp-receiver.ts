import { type G711, PCMA, PCMU } from '../codec/g711.js'
import { DtmfReceiver } from '../dtmf/dtmf-receiver.js'
import { ToneDetector } from '../dtmf/tone-detector.js'
import type { Heard, StrangerSource, UndecodedMedia } from '../protocol.js'
import { MAX_PAYLOAD_OCTETS } from '../rtp/jitter-buffer.js'
import { ReceiverStatistics } from '../rtp/receiver-statistics.js'
import { COMFORT_NOISE, looksLikeRtcp, parseRtp, type RtpView } from '../rtp/rtp-packet.js'
import { type SignalledSource, SourceGuard } from '../rtp/source-guard.js'
import { Tally } from '../rtp/tally.js'
import { Playout } from './playout.js'

const CLOCK_RATE = 8000
/** Packets of other addresses before these count as the reason why nothing was heard. */
const MIN_STRANGER_PACKETS = 5
/** Limit of the reported kinds of packets and addresses. */
const MAX_REPORTED = 4

export interface ReceiverFormat {
  codec: G711
  payloadType: number
  /** Payload types of telephone-event: the one that we announced, and the peer's, which some peers use in both directions. */
  eventTypes: readonly number[]
  /** Detect tones in the sound, because the peer has no telephone-event. */
  tones: boolean
  remote: SignalledSource
}

export interface ReceiverEvents {
  started(): void
  digit(digit: string, durationMs: number): void
}

/** One call's stream from the peer: guard, statistics, digits, playout. What handles packets is made with the first packet. */
export class RtpReceiver {
  readonly statistics = new ReceiverStatistics({ clockRate: CLOCK_RATE })
  lastHeardMs = 0
  /** Number of packets with decoded sound. */
  soundPackets = 0
  undecodedPackets = 0
  /** Undecoded packets with numbers of the stream: each takes the place of sound. */
  #undecodedInStream = 0

  readonly #events: ReceiverEvents
  readonly #view: RtpView
  #dtmf: DtmfReceiver | undefined
  #detectsTones = false
  #tones: ToneDetector | undefined
  #playout: Playout | undefined
  #guard: SourceGuard | undefined
  #earlierStrangers = 0
  readonly #strangers = new Tally()
  /** By payload type. */
  #undecoded: Map<number, UndecodedMedia> | undefined
  #soundBefore = 0
  #format: Pick<ReceiverFormat, 'codec' | 'payloadType' | 'eventTypes'> = {
    codec: PCMA,
    payloadType: 8,
    eventTypes: [],
  }
  /** Before the last change of the payload type: packets of it are still on their way. */
  #earlier: Pick<ReceiverFormat, 'codec' | 'payloadType'> | undefined
  #remote: SignalledSource | undefined
  #ssrc: number | undefined

  constructor(deps: { events: ReceiverEvents; view: RtpView }) {
    this.#events = deps.events
    this.#view = deps.view
  }

  /** The same remote address keeps the found source; another address restarts the search. */
  configure({ remote, tones, ...format }: ReceiverFormat): void {
    if (format.payloadType !== this.#format.payloadType) this.#earlier = this.#format
    this.#format = format
    this.#detectsTones = tones
    if (!tones) this.#tones = undefined
    if (this.#isAt(remote)) {
      this.#guard?.followNat(remote.natHosts ?? [])
      return
    }
    this.#earlierStrangers += this.#guard?.dropped ?? 0
    this.#remote = remote
    this.#soundBefore = this.soundPackets
    this.#guard = new SourceGuard(remote, this.#strangers)
  }

  #isAt({ host, port, rtcpPort }: SignalledSource): boolean {
    const at = this.#remote
    return at?.host === host && at.port === port && at.rtcpPort === rtcpPort
  }

  get concealedFrames(): number {
    return this.#playout?.concealedFrames ?? 0
  }

  get discardedPackets(): number {
    return this.#playout?.jitterBuffer.discardedPackets ?? 0
  }

  /** Delay of the jitter buffer. */
  get bufferedMs(): number {
    return this.#playout?.jitterBuffer.targetMs ?? 0
  }

  /** null before the first sound. */
  get levelDbfs(): number | null {
    return this.#playout?.level.dbfs ?? null
  }

  get guard(): SourceGuard | undefined {
    return this.#guard
  }

  /** The format that the peer should send. */
  get format(): Pick<ReceiverFormat, 'codec' | 'payloadType' | 'eventTypes'> {
    return this.#format
  }

  /** Whether no sound of this peer has been decoded yet. */
  get soundIsDue(): boolean {
    return this.soundPackets === this.#soundBefore
  }

  /** Received packets of the stream whose sound was not played: MOS counts them as lost. */
  get unplayedPackets(): number {
    return this.#undecodedInStream + this.discardedPackets
  }

  /** Sorted by frequency. */
  get undecoded(): UndecodedMedia[] {
    const kinds = [...(this.#undecoded?.values() ?? [])].sort((a, b) => b.packets - a.packets)
    return kinds.slice(0, MAX_REPORTED).map((kind) => ({ ...kind }))
  }

  /** Sorted by frequency. */
  get strangerSources(): StrangerSource[] {
    return this.#strangers.top(MAX_REPORTED).map(({ key, count }) => ({ address: key, packets: count }))
  }

  /** `owed`: the negotiated direction allowed the peer to send. */
  heard(owed: boolean): Heard {
    const { packetsReceived } = this.statistics
    if (this.soundPackets > 0) return this.#playout?.audible ? 'sound' : 'silence'
    if (packetsReceived > 0) return this.undecodedPackets * 2 > packetsReceived ? 'undecodable' : 'silence'
    if ((this.strangerSources[0]?.packets ?? 0) >= MIN_STRANGER_PACKETS) return 'other-source'
    return owed ? 'nothing' : 'not-owed'
  }

  get strangerPackets(): number {
    return this.#earlierStrangers + (this.#guard?.dropped ?? 0)
  }

  receive(packet: Uint8Array, host: string, port: number, nowMs: number): void {
    const view = this.#view
    // Before offer and answer the peer's address is not known.
    if (!this.#guard || looksLikeRtcp(packet) || !parseRtp(packet, view)) return
    if (!this.#guard.admit(host, port, view.ssrc, view.sequence, nowMs)) return
    this.lastHeardMs = nowMs
    const { payloadType, payloadStart, payloadEnd } = view
    const octets = payloadEnd - payloadStart
    const isEvent = this.#isEvent(payloadType)
    // Only sound changes the source and its numbers: events may have their own (RFC 3550 8), and other types are ignored (RFC 3550 5.1).
    const isAside =
      !this.#isSound(payloadType, octets) &&
      this.#ssrc !== undefined &&
      !this.statistics.follows(view.ssrc, view.sequence)
    if (!isAside && view.ssrc !== this.#ssrc) this.#newSource(view.ssrc)
    // Before the check of the sequence numbers, because the DTMF receiver checks the order of events itself.
    if (isEvent) this.#receiveEvent(packet, view, nowMs)
    if (isAside) {
      this.statistics.receiveAside()
      this.#noteUndecoded(payloadType, octets)
      return
    }
    if (!this.statistics.receive(view.ssrc, view.sequence, view.timestamp, nowMs)) return
    this.#sort(packet, view, nowMs)
  }

  #newSource(ssrc: number): void {
    if (this.#ssrc === undefined) this.#events.started()
    this.#ssrc = ssrc
    this.#playout?.restart()
  }

  #receiveEvent(packet: Uint8Array, view: RtpView, nowMs: number): void {
    this.#dtmf ??= new DtmfReceiver((digit, durationMs) => this.#events.digit(digit, durationMs))
    this.#dtmf.receive(view, packet, view.payloadStart, view.payloadEnd, nowMs)
  }

  #sort(packet: Uint8Array, view: RtpView, nowMs: number): void {
    const { sequence, timestamp, payloadType: type, payloadStart: start, payloadEnd: end } = view
    const isSound = this.#isSound(type, end - start)
    if (isSound) this.soundPackets++
    else if (this.#noteUndecoded(type, end - start)) this.#undecodedInStream++
    this.#playout ??= new Playout((payloadType) => this.#codecOf(payloadType))
    if (isSound) this.#playout.pausedByPeer = false
    else if (type === COMFORT_NOISE || this.#isEvent(type)) this.#playout.pausedByPeer = true
    this.#playout.jitterBuffer.put(sequence, timestamp, type, isSound ? end - start : 0, packet, start, end, nowMs)
  }

  #isSound(payloadType: number, octets: number): boolean {
    return octets > 0 && octets <= MAX_PAYLOAD_OCTETS && this.#codecOf(payloadType) !== undefined
  }

  #isEvent(payloadType: number): boolean {
    return this.#format.eventTypes.includes(payloadType) && this.#codecOf(payloadType) === undefined
  }

  /** Whether it counted the packet: not events, comfort noise, and packets without payload, which keep a NAT open (RFC 6263 4.1, 4.6). */
  #noteUndecoded(payloadType: number, octets: number): boolean {
    if (octets === 0 || payloadType === COMFORT_NOISE || this.#isEvent(payloadType)) return false
    this.undecodedPackets++
    this.#undecoded ??= new Map()
    const kind = this.#undecoded.get(payloadType)
    if (!kind) this.#undecoded.set(payloadType, { payloadType, octets, packets: 1 })
    else {
      kind.octets = octets
      kind.packets++
    }
    return true
  }

  /** Each packet's payload type decides the codec: some peers announce one codec and send the other. */
  #codecOf(payloadType: number): G711 | undefined {
    if (payloadType === this.#format.payloadType) return this.#format.codec
    if (payloadType === PCMU.payloadType) return PCMU
    if (payloadType === PCMA.payloadType) return PCMA
    if (payloadType === this.#earlier?.payloadType) return this.#earlier.codec
    return undefined
  }

  /** Fills `frame` with the next `samples` of the peer's sound. If the sound is not used, only the time advances. Returns the energy. */
  pull(frame: Int16Array, samples: number, nowMs: number, recorded = true): number {
    this.#dtmf?.poll(nowMs)
    if (!this.#playout) {
      if (recorded) frame.fill(0, 0, samples)
      return 0
    }
    const energy = this.#playout.pull(frame, samples, nowMs, recorded || this.#detectsTones)
    if (!this.#detectsTones) return energy
    this.#tones ??= new ToneDetector((digit, durationMs) => this.#events.digit(digit, durationMs))
    this.#tones.hear(frame, samples)
    return energy
  }
}
