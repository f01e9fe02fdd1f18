import { Concealment } from '../codec/concealment.js'
import { decode, energyOf, energyOfSamples, type G711, PCMA, PCMU } from '../codec/g711.js'
import { DtmfReceiver } from '../dtmf/dtmf-receiver.js'
import { ToneDetector } from '../dtmf/tone-detector.js'
import type { Heard, StrangerSource, UndecodedMedia } from '../protocol.js'
import { JitterBuffer, MAX_PAYLOAD_OCTETS, type Pulled } from '../rtp/jitter-buffer.js'
import { ReceiverStatistics } from '../rtp/receiver-statistics.js'
import { COMFORT_NOISE, looksLikeRtcp, parseRtp, type RtpView } from '../rtp/rtp-packet.js'
import { type SignalledSource, SourceGuard } from '../rtp/source-guard.js'
import { Tally } from '../rtp/tally.js'
import { LevelMeter } from './level-meter.js'

const CLOCK_RATE = 8000
/** Mean square of -50 dBFS: what may be cut or drawn out unheard. */
const QUIET_MEAN_SQUARE = 10_737
/** Mean square of -60 dBFS: what is below is silence. */
const AUDIBLE_MEAN_SQUARE = 1074
/** Of other addresses, before they are named as the reason why nothing was heard. */
const MIN_STRANGER_PACKETS = 5
/** How many kinds of packets and addresses are told. */
const MAX_TOLD = 4

export interface ReceiverFormat {
  codec: G711
  payloadType: number
  /** Payload types that are taken for telephone-event: what we announced, and what the peer wants, which some use both ways. */
  eventTypes: readonly number[]
  /** Digits come as tones in the sound: the peer has no telephone-event. */
  tones: boolean
  remote: SignalledSource
}

export interface ReceiverEvents {
  started(): void
  digit(digit: string, durationMs: number): void
}

/** One call's stream from the peer: guard, statistics, digits, jitter buffer, decoder, concealment, level. */
export class RtpReceiver {
  readonly statistics = new ReceiverStatistics({ clockRate: CLOCK_RATE })
  readonly jitterBuffer = new JitterBuffer({ clockRate: CLOCK_RATE })
  readonly level = new LevelMeter()
  concealedFrames = 0
  lastHeardMs = 0
  /** Packets with sound that could be decoded. */
  soundPackets = 0
  undecodedPackets = 0

  readonly #events: ReceiverEvents
  readonly #view: RtpView
  readonly #dtmf: DtmfReceiver
  #tones: ToneDetector | undefined
  readonly #concealment = new Concealment()
  /** The packet that is being played: what of it is left, and its law. */
  #packet: Uint8Array = new Uint8Array(0)
  #at = 0
  #end = 0
  #codec: G711 = PCMA
  #guard: SourceGuard | undefined
  #earlierStrangers = 0
  readonly #strangers = new Tally()
  /** By payload type. */
  readonly #undecoded = new Map<number, UndecodedMedia>()
  #soundBefore = 0
  #audible = false
  #format: Pick<ReceiverFormat, 'codec' | 'payloadType' | 'eventTypes'> = {
    codec: PCMA,
    payloadType: 8,
    eventTypes: [],
  }
  #remote: SignalledSource | undefined
  #ssrc: number | undefined
  /** Comfort noise or a digit was the last that came: the peer sends no sound on purpose. */
  #pausedByPeer = false
  #quiet = true
  #pulled: Pulled = 'waiting'

  constructor(deps: { events: ReceiverEvents; view: RtpView }) {
    this.#events = deps.events
    this.#view = deps.view
    this.#dtmf = new DtmfReceiver((digit, durationMs) => this.#events.digit(digit, durationMs))
  }

  /** The same remote address again keeps the source that was found; another one starts the search anew. */
  configure({ remote, tones, ...format }: ReceiverFormat): void {
    this.#format = format
    if (!tones) this.#tones = undefined
    else this.#tones ??= new ToneDetector((digit, durationMs) => this.#events.digit(digit, durationMs))
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

  get guard(): SourceGuard | undefined {
    return this.#guard
  }

  /** What the peer was asked to send. */
  get format(): Pick<ReceiverFormat, 'codec' | 'payloadType'> {
    return this.#format
  }

  /** No sound of this peer has been decoded yet. */
  get soundIsDue(): boolean {
    return this.soundPackets === this.#soundBefore
  }

  /** The most frequent first. */
  get undecoded(): UndecodedMedia[] {
    const kinds = [...this.#undecoded.values()].sort((a, b) => b.packets - a.packets)
    return kinds.slice(0, MAX_TOLD).map((kind) => ({ ...kind }))
  }

  /** The most frequent first. */
  get strangerSources(): StrangerSource[] {
    return this.#strangers.top(MAX_TOLD).map(({ key, count }) => ({ address: key, packets: count }))
  }

  /** `owed`: the negotiated direction let the peer send. */
  heard(owed: boolean): Heard {
    const { packetsReceived } = this.statistics
    if (this.soundPackets > 0) return this.#audible ? 'sound' : 'silence'
    if (packetsReceived > 0) return this.undecodedPackets * 2 > packetsReceived ? 'undecodable' : 'silence'
    if ((this.strangerSources[0]?.packets ?? 0) >= MIN_STRANGER_PACKETS) return 'other-source'
    return owed ? 'nothing' : 'not-owed'
  }

  get strangerPackets(): number {
    return this.#earlierStrangers + (this.#guard?.dropped ?? 0)
  }

  receive(packet: Uint8Array, host: string, port: number, nowMs: number): void {
    const view = this.#view
    // Before offer/answer has told who the peer is, nobody is heard.
    if (!this.#guard || looksLikeRtcp(packet) || !parseRtp(packet, view)) return
    if (!this.#guard.admit(host, port, view.ssrc, view.sequence, nowMs)) return
    this.lastHeardMs = nowMs
    const isEvent = this.#isEvent(view.payloadType)
    // RFC 3550 8: the sound's source and numbers are its own; events beside it leave them alone.
    const isAside = isEvent && this.#ssrc !== undefined && !this.statistics.follows(view.ssrc, view.sequence)
    if (!isAside && view.ssrc !== this.#ssrc) this.#newSource(view.ssrc)
    // Before the numbers are checked: events know their own order.
    if (isEvent) this.#dtmf.receive(view, packet, view.payloadStart, view.payloadEnd, nowMs)
    if (isAside) {
      this.statistics.receiveAside()
      return
    }
    if (!this.statistics.receive(view.ssrc, view.sequence, view.timestamp, nowMs)) return
    this.#sort(packet, view, nowMs)
  }

  #newSource(ssrc: number): void {
    if (this.#ssrc === undefined) this.#events.started()
    this.#ssrc = ssrc
    this.jitterBuffer.reset()
    this.#concealment.forget()
  }

  #sort(packet: Uint8Array, view: RtpView, nowMs: number): void {
    const { sequence, timestamp, payloadType: type, payloadStart: start, payloadEnd: end } = view
    const isCodec = this.#codecOf(type) !== undefined
    const isSound = isCodec && end > start && end - start <= MAX_PAYLOAD_OCTETS
    if (isSound) this.soundPackets++
    else this.#noteUndecoded(type, end - start, isCodec)
    if (isSound) this.#pausedByPeer = false
    else if (type === COMFORT_NOISE || this.#isEvent(type)) this.#pausedByPeer = true
    this.jitterBuffer.put(sequence, timestamp, type, isSound ? end - start : 0, packet, start, end, nowMs)
  }

  #isEvent(payloadType: number): boolean {
    return this.#format.eventTypes.includes(payloadType) && this.#codecOf(payloadType) === undefined
  }

  /** Events and comfort noise are understood; so is a packet without payload, which keeps a NAT open (RFC 6263 4.1). */
  #noteUndecoded(payloadType: number, octets: number, isCodec: boolean): void {
    if (payloadType === COMFORT_NOISE || this.#isEvent(payloadType)) return
    if (isCodec && octets === 0) return
    this.undecodedPackets++
    const kind = this.#undecoded.get(payloadType)
    if (!kind) this.#undecoded.set(payloadType, { payloadType, octets, packets: 1 })
    else {
      kind.octets = octets
      kind.packets++
    }
  }

  /** The law is read off every packet: peers that announce one and send the other are understood. */
  #codecOf(payloadType: number): G711 | undefined {
    if (payloadType === this.#format.payloadType) return this.#format.codec
    if (payloadType === PCMU.payloadType) return PCMU
    if (payloadType === PCMA.payloadType) return PCMA
    return undefined
  }

  /** Fills `frame` with the next `samples` of what the peer said; always all of them, unless nobody listens: then time goes on, that is all. */
  pull(frame: Int16Array, samples: number, nowMs: number, recorded = true): void {
    const listened = recorded || this.#tones !== undefined
    this.#dtmf.poll(nowMs)
    if (!listened) this.#concealment.forget()
    let energy = 0
    for (let have = 0; have < samples; ) {
      const left = samples - have
      if (this.#at === this.#end && !this.#next(left, nowMs)) {
        energy += this.#standIn(frame, have, left, listened)
        break
      }
      const n = Math.min(left, this.#end - this.#at)
      energy += this.#play(frame, have, n, listened)
      have += n
    }
    if (this.#ssrc === undefined) return
    this.#tones?.hear(frame, samples)
    this.level.add(energy, samples)
    if (energy >= AUDIBLE_MEAN_SQUARE * samples) this.#audible = true
    this.#quiet = energy < QUIET_MEAN_SQUARE * samples
  }

  /** The next packet; false where there is none. */
  #next(samples: number, nowMs: number): boolean {
    const buffer = this.jitterBuffer
    this.#pulled = buffer.pull(nowMs, samples, this.#quiet)
    if (this.#pulled !== 'packet') return false
    this.#packet = buffer.packet
    this.#at = buffer.payloadStart
    this.#end = buffer.payloadStart + buffer.payloadOctets
    this.#codec = this.#codecOf(buffer.payloadType) ?? PCMA
    return true
  }

  /** Decodes a part of the packet; returns its energy. */
  #play(frame: Int16Array, from: number, n: number, listened: boolean): number {
    const at = this.#at
    this.#at += n
    if (!listened) return energyOf(this.#codec, this.#packet, at, n)
    decode(this.#codec, this.#packet, at, frame, from, n)
    this.#concealment.heard(frame, from, n)
    return energyOfSamples(frame, from, n)
  }

  /** Where nothing came: concealment, or silence where the peer is silent on purpose. */
  #standIn(frame: Int16Array, from: number, n: number, listened: boolean): number {
    const missing = this.#pulled === 'lost' || (this.#pulled === 'empty' && !this.#pausedByPeer)
    if (missing) this.concealedFrames++
    else if (this.#pulled === 'waiting' || this.#pausedByPeer) this.#concealment.forget()
    if (!listened) return missing && !this.#quiet ? QUIET_MEAN_SQUARE * n : 0
    if (missing) this.#concealment.fill(frame, from, n)
    else frame.fill(0, from, from + n)
    return missing ? energyOfSamples(frame, from, n) : 0
  }
}
