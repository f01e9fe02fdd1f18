const CONTROL = 0x08
const FIN = 0x80
const MASKED = 0x80
const LENGTH = 0x7f
const LENGTH_16 = 126
const LENGTH_64 = 127
const MASK_OCTETS = 4
const MAX_HEADER_OCTETS = 14

/** Follows the frames of a WebSocket (RFC 6455 5.2), only to know whether a message has begun and is not complete. */
export class FrameWatch {
  readonly #header = Buffer.alloc(MAX_HEADER_OCTETS)
  #headerOctets = 0
  /** Octets of the payload that are still to come. */
  #payload = 0
  /** The frame that is coming, or the last one, does not end its message. */
  #isOpen = false
  #endsMessage = false

  /** Whether a message, or a control frame, has begun and is not complete. */
  get isPartial(): boolean {
    return this.#isOpen || this.#headerOctets > 0
  }

  /** Returns whether a message has become complete. */
  push(chunk: Buffer): boolean {
    let hasMessage = false
    let at = 0
    while (at < chunk.length) {
      if (this.#payload > 0) {
        const octets = Math.min(this.#payload, chunk.length - at)
        this.#payload -= octets
        at += octets
      } else {
        this.#header[this.#headerOctets++] = chunk[at++] ?? 0
        if (this.#headerOctets < this.#headerSize()) continue
        this.#beginPayload()
      }
      if (this.#payload === 0 && this.#headerOctets >= this.#headerSize()) {
        hasMessage ||= this.#endsMessage
        this.#headerOctets = 0
      }
    }
    return hasMessage
  }

  #headerSize(): number {
    if (this.#headerOctets < 2) return 2
    const second = this.#header[1] ?? 0
    const length = second & LENGTH
    const extended = length === LENGTH_16 ? 2 : length === LENGTH_64 ? 8 : 0
    return 2 + extended + (second & MASKED ? MASK_OCTETS : 0)
  }

  #beginPayload(): void {
    const first = this.#header[0] ?? 0
    const length = (this.#header[1] ?? 0) & LENGTH
    if (length === LENGTH_16) this.#payload = this.#header.readUInt16BE(2)
    else if (length === LENGTH_64) this.#payload = Number(this.#header.readBigUInt64BE(2))
    else this.#payload = length
    // 5.4: control frames may come between the frames of a message.
    const isControl = (first & CONTROL) !== 0
    this.#endsMessage = !isControl && (first & FIN) !== 0
    if (!isControl) this.#isOpen = (first & FIN) === 0
  }
}
