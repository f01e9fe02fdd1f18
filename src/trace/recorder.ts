import { headerOf } from './sip-text.js'
import type { TracedMessage, TracedPacket } from './traced.js'

export interface RecorderLimits {
  messages: number
  /** Of the texts together. */
  messageOctets: number
  /** Of RTP and RTCP together. */
  packetOctets: number
}

const LIMITS: RecorderLimits = { messages: 10_000, messageOctets: 16 << 20, packetOctets: 32 << 20 }
/** Cost of an object beside its text or octets. */
const OVERHEAD = 200

/** The latest messages and packets in memory; what exceeds the limits goes, the oldest first. */
export class TraceRecorder {
  readonly #limits: RecorderLimits
  readonly #messages = new Recent<TracedMessage & { callId: string }>(({ text }) => text.length)
  readonly #packets = new Recent<TracedPacket & { mediaOf: string }>(({ octets }) => octets.length)

  constructor(limits: Partial<RecorderLimits> = {}) {
    this.#limits = { ...LIMITS, ...limits }
  }

  /** Secrets are masked already. */
  message({ at, protocol, from, to, text }: TracedMessage): void {
    const kept = { at, protocol, from, to, text, callId: headerOf(text, 'call-id') ?? '' }
    this.#messages.add(kept, this.#limits.messages, this.#limits.messageOctets)
  }

  /** `mediaOf`: id of the call. */
  packet(mediaOf: string, { at, kind, from, to, octets }: TracedPacket): void {
    this.#packets.add({ at, kind, from, to, octets, mediaOf }, Number.POSITIVE_INFINITY, this.#limits.packetOctets)
  }

  messages(callId?: string): TracedMessage[] {
    return this.#messages.all.filter((message) => callId === undefined || message.callId === callId)
  }

  packets(mediaOf?: string): (TracedPacket & { mediaOf: string })[] {
    return this.#packets.all.filter((packet) => mediaOf === undefined || packet.mediaOf === mediaOf)
  }

  clear(): void {
    this.#messages.clear()
    this.#packets.clear()
  }
}

/** A queue with limits of number and size. */
class Recent<T> {
  readonly #sizeOf: (item: T) => number
  #items: T[] = []
  #first = 0
  #octets = 0

  constructor(sizeOf: (item: T) => number) {
    this.#sizeOf = sizeOf
  }

  get all(): T[] {
    return this.#items.slice(this.#first)
  }

  add(item: T, most: number, mostOctets: number): void {
    this.#items.push(item)
    this.#octets += this.#sizeOf(item) + OVERHEAD
    while (this.#items.length - this.#first > most || (this.#octets > mostOctets && this.#first < this.#items.length)) {
      const oldest = this.#items[this.#first++]
      if (oldest) this.#octets -= this.#sizeOf(oldest) + OVERHEAD
    }
    // Moving the rest once for as many items keeps the cost of an item constant.
    if (this.#first > 1000 && this.#first * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#first)
      this.#first = 0
    }
  }

  clear(): void {
    this.#items = []
    this.#first = 0
    this.#octets = 0
  }
}
