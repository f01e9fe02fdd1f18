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
/** Mean square of -50 dBFS: quieter sound may be shortened or stretched inaudibly. */
const QUIET_MEAN_SQUARE = 10_737
/** Mean square of -60 dBFS: quieter sound counts as silence. */
const AUDIBLE_MEAN_SQUARE = 1074
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

/** One call's stream from the peer: guard, statistics, digits, jitter buffer, decoder, concealment, level. */
export class RtpReceiver {
  readonly statistics = new ReceiverStatistics({ clockRate: CLOCK_RATE })
  readonly jitterBuffer = new JitterBuffer({ clockRate: CLOCK_RATE })
  readonly level = new LevelMeter()
  concealedFrames = 0
  lastHeardMs = 0
  /** Number of packets with decoded sound. */
  soundPackets = 0
  undecodedPackets = 0
  /** Undecoded packets with numbers of the stream: each takes the place of sound. */
  #undecodedInStream = 0

  readonly #events: ReceiverEvents
  readonly #view: RtpView
  readonly #dtmf: DtmfReceiver
  #tones: ToneDetector | undefined
  readonly #concealment = new Concealment()
  /** The packet that is being played, with its remaining range and its codec. */
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
  /** The last packet was comfort noise or a digit: the peer pauses on purpose. */
  #pausedByPeer = false
  #quiet = true
  #pulled: Pulled = 'waiting'

  constructor(deps: { events: ReceiverEvents; view: RtpView }) {
    this.#events = deps.events
    this.#view = deps.view
    this.#dtmf = new DtmfReceiver((digit, durationMs) => this.#events.digit(digit, durationMs))
  }

  /** The same remote address keeps the found source; another address restarts the search. */
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

  /** The format that the peer should send. */
  get format(): Pick<ReceiverFormat, 'codec' | 'payloadType'> {
    return this.#format
  }

  /** Whether no sound of this peer has been decoded yet. */
  get soundIsDue(): boolean {
    return this.soundPackets === this.#soundBefore
  }

  /** Received packets of the stream whose sound was not played: MOS counts them as lost. */
  get unplayedPackets(): number {
    return this.#undecodedInStream + this.jitterBuffer.discardedPackets
  }

  /** Sorted by frequency. */
  get undecoded(): UndecodedMedia[] {
    const kinds = [...this.#undecoded.values()].sort((a, b) => b.packets - a.packets)
    return kinds.slice(0, MAX_REPORTED).map((kind) => ({ ...kind }))
  }

  /** Sorted by frequency. */
  get strangerSources(): StrangerSource[] {
    return this.#strangers.top(MAX_REPORTED).map(({ key, count }) => ({ address: key, packets: count }))
  }

  /** `owed`: the negotiated direction allowed the peer to send. */
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
    if (isEvent) this.#dtmf.receive(view, packet, payloadStart, payloadEnd, nowMs)
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
    this.jitterBuffer.reset()
    this.#concealment.forget()
  }

  #sort(packet: Uint8Array, view: RtpView, nowMs: number): void {
    const { sequence, timestamp, payloadType: type, payloadStart: start, payloadEnd: end } = view
    const isSound = this.#isSound(type, end - start)
    if (isSound) this.soundPackets++
    else if (this.#noteUndecoded(type, end - start)) this.#undecodedInStream++
    if (isSound) this.#pausedByPeer = false
    else if (type === COMFORT_NOISE || this.#isEvent(type)) this.#pausedByPeer = true
    this.jitterBuffer.put(sequence, timestamp, type, isSound ? end - start : 0, packet, start, end, nowMs)
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
    return undefined
  }

  /** Fills `frame` with the next `samples` of the peer's sound. If the sound is not used, only the time advances. */
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

  /** Takes the next packet; false if there is none. */
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

  /** Fills a gap: with concealment, or with silence if the peer pauses on purpose. */
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
