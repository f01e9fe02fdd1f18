import { encode, type G711, PCMA } from '../codec/g711.js'
import { type DigitString, DtmfSender } from '../dtmf/dtmf-sender.js'
import { EVENT_OCTETS, writeTelephoneEvent } from '../dtmf/telephone-event.js'
import type { PlayEnded } from '../protocol.js'
import { RTP_HEADER_OCTETS, writeRtpHeader } from '../rtp/rtp-packet.js'
import { addTimestamp, nextSequence } from '../rtp/sequence.js'
import type { Playback } from './playback.js'

const SAMPLES_PER_MS = 8
/** A queued send may still use its buffer. */
const BUFFERS = 4
/** How long a prompt waits during a hold; then it ends, so that the waiting flow continues. */
const MAX_HELD_MS = 300_000
/** The same while the call has no address to send to; a lookup of the peer's host name takes less, or fails. */
const MAX_UNREACHABLE_MS = 10_000
const EVENT_PACKET_OCTETS = RTP_HEADER_OCTETS + EVENT_OCTETS

export interface SenderFormat {
  codec: G711
  payloadType: number
  /** The peer's payload type of telephone-event; undefined if it does not support it. */
  eventType: number | undefined
  intervalMs: number
  /** False if the direction forbids sending: time advances, nothing is sent, prompts and digits wait. */
  sending: boolean
}

export interface SenderEvents {
  transmit(packet: Uint8Array): void
  playEnded(playId: string, ended: PlayEnded, playedMs: number): void
  digitsSent(sendId: string, ended: 'finished' | 'hangup'): void
}

/** One call's stream to the peer: digits before prompts before silence, one packet per interval. While we hold the call: only music, or silence. */
export class RtpSender {
  readonly ssrc: number
  packetsSent = 0
  octetsSent = 0
  latePackets = 0
  /** False without an address to send to: same effect as `sending` false, but every prompt ends soon. */
  reachable = true
  /** Silence takes the place of prompts and other sound; they go on unheard. */
  muted = false

  readonly #events: SenderEvents
  #dtmf: DtmfSender | undefined
  /** Each has the length of one packet, because slicing a buffer for every send costs more than filling it. */
  #sounds: Uint8Array[] | undefined
  #eventPackets: Uint8Array[] | undefined
  #nextBuffer = 0
  #sequence: number
  #timestamp: number
  #marker = true
  #heldMs = 0
  #playback: Playback | undefined
  #onHold = false
  #music: Playback | undefined
  #format: SenderFormat = { codec: PCMA, payloadType: 8, eventType: undefined, intervalMs: 20, sending: false }

  constructor(events: SenderEvents, init: { ssrc: number; sequence: number; timestamp: number }) {
    this.#events = events
    this.ssrc = init.ssrc
    this.#sequence = init.sequence
    this.#timestamp = init.timestamp
  }

  get timestamp(): number {
    return this.#timestamp
  }

  configure(format: SenderFormat): void {
    if (format.intervalMs !== this.#format.intervalMs) this.#sounds = undefined
    this.#format = format
    if (format.eventType === undefined) this.#cancelDigits()
  }

  play(playback: Playback): void {
    this.stopPlay('interrupted')
    this.#playback = playback
    this.#heldMs = 0
  }

  /** Ends the play with this id, or any play. */
  stopPlay(reason: PlayEnded, playId?: string): void {
    const playback = this.#playback
    if (!playback || (playId !== undefined && playId !== playback.playId)) return
    this.#playback = undefined
    this.#events.playEnded(playback.playId, reason, playback.playedMs)
  }

  /** On: prompts and digits wait, and the music is sent, or silence. */
  hold(on: boolean, music?: Playback): void {
    this.#onHold = on
    this.#music = on ? music : undefined
    this.#heldMs = 0
  }

  sendDigits(digits: DigitString): void {
    this.#dtmf ??= new DtmfSender((sendId) => this.#events.digitsSent(sendId, 'finished'))
    this.#dtmf.add(digits)
  }

  /** `sound`: sent if there is no digit or prompt; at least one interval long. */
  tick(lateMs: number, sound?: Int16Array): void {
    const { sending, intervalMs, eventType } = this.#format
    if (!(sending && this.reachable)) {
      this.#marker = true
      this.#wait(intervalMs)
    } else {
      if (this.#onHold) {
        this.#sendSound(this.#music)
        this.#wait(intervalMs)
      } else {
        this.#heldMs = 0
        if (eventType !== undefined && this.#dtmf?.next(this.#timestamp, intervalMs) === 'event')
          this.#sendEvent(this.#dtmf, eventType)
        else this.#sendSound(this.#playback, sound)
      }
      if (lateMs >= 10) this.latePackets++
    }
    this.#advance(1)
  }

  /** A prompt waits for the end of a hold, or for an address. */
  #wait(intervalMs: number): void {
    this.#heldMs += intervalMs
    if (!this.#playback) return
    // The hold may end at any time; an address that was not found is seldom found later.
    const isOver =
      this.#format.sending && !this.#onHold
        ? this.#heldMs >= MAX_UNREACHABLE_MS
        : this.#heldMs >= MAX_HELD_MS && !this.#playback.endless
    if (isOver) this.stopPlay('failed')
  }

  /** Counts packets that were not sent because the thread was blocked as late; the next one has the marker (RFC 3551 4.1). */
  skip(intervals: number): void {
    if (this.#format.sending && this.reachable) this.latePackets += intervals
    this.#marker = true
    this.#advance(intervals)
  }

  close(reason: 'hangup' | 'failed'): void {
    this.#format = { ...this.#format, sending: false }
    this.stopPlay(reason)
    this.#cancelDigits()
  }

  #cancelDigits(): void {
    for (const sendId of this.#dtmf?.cancel() ?? []) this.#events.digitsSent(sendId, 'hangup')
  }

  #advance(intervals: number): void {
    this.#timestamp = addTimestamp(this.#timestamp, intervals * this.#format.intervalMs * SAMPLES_PER_MS)
  }

  #sendEvent(dtmf: DtmfSender, payloadType: number): void {
    this.#eventPackets ??= buffersOf(EVENT_PACKET_OCTETS)
    const packet = this.#take(this.#eventPackets)
    writeRtpHeader(packet, payloadType, dtmf.marker, this.#sequence, dtmf.timestamp, this.ssrc)
    writeTelephoneEvent(packet, RTP_HEADER_OCTETS, dtmf.event, dtmf.end, dtmf.durationSamples)
    this.#transmit(packet, EVENT_OCTETS)
    dtmf.sent()
  }

  #sendSound(playback: Playback | undefined, sound?: Int16Array): void {
    const { codec, payloadType, intervalMs } = this.#format
    const samples = intervalMs * SAMPLES_PER_MS
    this.#sounds ??= buffersOf(RTP_HEADER_OCTETS + samples)
    const packet = this.#take(this.#sounds)
    writeRtpHeader(packet, payloadType, this.#marker, this.#sequence, this.#timestamp, this.ssrc)
    if (playback) playback.fill(packet, RTP_HEADER_OCTETS, samples, codec)
    else if (sound) encode(codec, sound.subarray(0, samples), packet, RTP_HEADER_OCTETS)
    // Silence is sent too: it keeps NAT bindings open, and some peers end a call without packets.
    if ((!playback && !sound) || (this.muted && !this.#onHold))
      packet.fill(codec.silence, RTP_HEADER_OCTETS, RTP_HEADER_OCTETS + samples)
    this.#marker = false
    this.#transmit(packet, samples)
    if (playback?.finished && playback === this.#playback) this.stopPlay('finished')
  }

  #take(buffers: readonly Uint8Array[]): Uint8Array {
    this.#nextBuffer = (this.#nextBuffer + 1) % BUFFERS
    return buffers[this.#nextBuffer] as Uint8Array
  }

  #transmit(packet: Uint8Array, payloadOctets: number): void {
    this.#sequence = nextSequence(this.#sequence)
    this.packetsSent++
    this.octetsSent += payloadOctets
    this.#events.transmit(packet)
  }
}

/** Slices of one allocation: separate ones would take as long as all other objects of the call together. */
function buffersOf(octets: number): Uint8Array[] {
  const all = new ArrayBuffer(BUFFERS * octets)
  return Array.from({ length: BUFFERS }, (_, i) => new Uint8Array(all, i * octets, octets))
}
