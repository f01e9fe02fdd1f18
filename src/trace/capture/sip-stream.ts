/** One direction of a TCP connection in a capture: segments into their order, octets into SIP messages. */
import { textOf } from '../../base/octets.js'
import { headerOf, looksLikeSip } from '../sip-text.js'
import { webSocketPayloads } from './websocket.js'

/** Longer messages are left out. */
const MAX_MESSAGE = 128 * 1024
const MAX_WAITING = 64

export class SipStream {
  #next: number | undefined
  readonly #waiting = new Map<number, Buffer>()
  #rest: Buffer = Buffer.alloc(0)
  #isWebSocket = false

  /** The whole messages that this segment completes. */
  push(sequence: number, isStart: boolean, payload: Buffer): string[] {
    if (isStart) {
      this.#next = (sequence + 1) >>> 0
      this.#waiting.clear()
      this.#rest = Buffer.alloc(0)
      this.#isWebSocket = false
      return []
    }
    if (payload.length === 0) return []
    this.#next ??= sequence
    this.#store(sequence, payload)
    const texts: string[] = []
    for (let found = this.#takeNext(); found; found = this.#takeNext()) {
      this.#rest = Buffer.concat([this.#rest, found])
      texts.push(...this.#messages())
    }
    return texts
  }

  #store(sequence: number, payload: Buffer): void {
    const skip = ((this.#next ?? 0) - sequence) | 0
    if (skip >= payload.length) return // repeated
    if (skip > 0) this.#waiting.set(this.#next ?? 0, Buffer.from(payload.subarray(skip)))
    else this.#waiting.set(sequence, Buffer.from(payload))
    if (this.#waiting.size <= MAX_WAITING) return
    // A segment is missing in the capture: go on behind the gap.
    const base = this.#next ?? 0
    this.#next = [...this.#waiting.keys()].sort((a, b) => ((a - base) | 0) - ((b - base) | 0))[0]
    this.#rest = Buffer.alloc(0)
  }

  #takeNext(): Buffer | undefined {
    if (this.#next === undefined) return undefined
    const payload = this.#waiting.get(this.#next)
    if (!payload) return undefined
    this.#waiting.delete(this.#next)
    this.#next = (this.#next + payload.length) >>> 0
    return payload
  }

  #messages(): string[] {
    const texts: string[] = []
    for (;;) {
      const read = this.#isWebSocket ? this.#frames(texts) : this.#message(texts)
      if (read === 0) break
      this.#rest = this.#rest.subarray(read)
    }
    if (this.#rest.length > MAX_MESSAGE) this.#rest = Buffer.alloc(0)
    return texts
  }

  #frames(texts: string[]): number {
    const { payloads, octets } = webSocketPayloads(this.#rest)
    for (const payload of payloads) {
      const text = textOf(payload)
      if (looksLikeSip(text)) texts.push(text)
    }
    return octets
  }

  /** Octets of the next message; those before its start are skipped. 0: it is not complete. */
  #message(texts: string[]): number {
    const headEnd = this.#rest.indexOf('\r\n\r\n')
    if (headEnd < 0) return 0
    const head = textOf(this.#rest, 0, headEnd).replace(/^[\r\n]+/, '')
    if (/^GET \S{1,1000} HTTP\/1\.1|^HTTP\/1\.1 101 /.test(head)) {
      this.#isWebSocket = /^upgrade:\s*websocket/im.test(head)
      return headEnd + 4
    }
    if (!looksLikeSip(head)) return headEnd + 4
    const length = Number(/^\d{1,6}$/.exec(headerOf(head, 'content-length') ?? '0')?.[0] ?? 0)
    const end = headEnd + 4 + length
    if (length > MAX_MESSAGE || this.#rest.length < end) return length > MAX_MESSAGE ? headEnd + 4 : 0
    texts.push(textOf(this.#rest.subarray(0, end)).replace(/^[\r\n]+/, ''))
    return end
  }
}
