import type { Clock } from '../../base/clock.js'
import type { MediaTap, TappedPacket, TappedPackets } from '../protocol.js'

/** About two seconds of a call. */
const BATCH_OCTETS = 32 * 1024
/** RFC 4733 2.3.1: an event code that stands for no digit. */
const MASKED_EVENT = 255
const RTP_HEADER = 12

export interface PacketTapDeps {
  clock: Clock
  emit: (batch: Omit<TappedPackets, 'id'>) => void
  /** Payload types of telephone-event. */
  eventTypes: () => readonly number[]
}

/** Copies the packets of one call and hands them over in batches. */
export class PacketTap {
  readonly #deps: PacketTapDeps
  readonly #tap: MediaTap
  readonly #octets = new Uint8Array(BATCH_OCTETS)
  #packets: TappedPacket[] = []
  #used = 0
  #copied = 0

  constructor(deps: PacketTapDeps, tap: MediaTap) {
    this.#deps = deps
    this.#tap = tap
  }

  copy(
    kind: TappedPacket['kind'],
    direction: TappedPacket['direction'],
    host: string,
    port: number,
    packet: Uint8Array,
  ): void {
    const { length } = packet
    if (length > BATCH_OCTETS || this.#copied + length > this.#tap.maxOctets) return
    if (this.#used + length > BATCH_OCTETS) this.flush()
    this.#octets.set(packet, this.#used)
    if (kind === 'rtp' && !this.#tap.digits) this.#maskDigit(length)
    this.#packets.push({ at: this.#deps.clock.wall(), kind, direction, host, port, length })
    this.#used += length
    this.#copied += length
  }

  flush(): void {
    if (this.#packets.length === 0) return
    // A slice has a buffer of its own: the whole buffer of a view would be copied between the threads.
    this.#deps.emit({ octets: this.#octets.slice(0, this.#used), packets: this.#packets })
    this.#packets = []
    this.#used = 0
  }

  #maskDigit(length: number): void {
    const type = (this.#octets[this.#used + 1] ?? 0) & 0x7f
    if (!this.#deps.eventTypes().includes(type)) return
    const contributors = (this.#octets[this.#used] ?? 0) & 15
    const event = RTP_HEADER + 4 * contributors
    if (event < length) this.#octets[this.#used + event] = MASKED_EVENT
  }
}
