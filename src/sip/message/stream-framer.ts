import { idleOctets } from './idle-octets.js'
import { MAX_MESSAGE_OCTETS } from './limits.js'

/** What a stream turned out to hold, in its order. */
export type Framed =
  | { kind: 'message'; bytes: Buffer }
  /** RFC 5626 3.5.1: CRLF CRLF, which wants a CRLF back. */
  | { kind: 'ping' }
  /** A single CRLF: the answer to a ping. It comes before `ping` as well, where the first half is all that is there. */
  | { kind: 'pong' }
  /** The start of the next message cannot be found: the last item. `head` as far as it has come. */
  | { kind: 'broken'; status: 400 | 413; reason: string; head: Buffer }

const CR = 0x0d
const LF = 0x0a
const END_OF_HEAD = Buffer.from('\r\n\r\n')
const FIRST_CAPACITY = 2_048
/** A field name at the start of a line, in long or compact form, its value folded or not (RFC 3261 7.3.1, 7.3.3). */
const CONTENT_LENGTH = /\r\n(?:content-length|l)[ \t]*:((?:[^\r\n]|\r\n[ \t])*)/gi

/**
 * RFC 3261 18.3: cuts a stream into messages by their Content-Length, in octets. It holds one message at most, and each
 * octet is looked at once however the stream is cut.
 */
export class StreamFramer {
  #buffer = Buffer.alloc(0)
  #used = 0
  /** Where the search for the end of the head goes on. */
  #searched = 0
  /** Octets of the message that is coming; 0 while its head is not complete. */
  #wanted = 0
  /** Complete line breaks since the last message or other octet. */
  #lineBreaks = 0
  #lastIsCr = false
  #broken = false

  /** Octets of a message that has begun and is not complete. */
  get pending(): number {
    return this.#used
  }

  push(chunk: Buffer): Framed[] {
    const found: Framed[] = []
    let at = 0
    while (at < chunk.length && !this.#broken) {
      // Never more than one message is kept; what follows it is looked at after it.
      const room = Math.min(chunk.length - at, (this.#wanted || MAX_MESSAGE_OCTETS) - this.#used)
      this.#append(chunk.subarray(at, at + room))
      at += room
      this.#drain(found)
    }
    return found
  }

  #append(octets: Buffer): void {
    const needed = this.#used + octets.length
    if (needed > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(FIRST_CAPACITY, needed, 2 * this.#buffer.length))
      this.#buffer.copy(larger, 0, 0, this.#used)
      this.#buffer = larger
    }
    octets.copy(this.#buffer, this.#used)
    this.#used = needed
  }

  #drain(found: Framed[]): void {
    while (this.#used > 0 && !this.#broken) {
      if (this.#wanted === 0 && this.#takeIdle(found)) continue
      if (this.#wanted === 0 && !this.#readHead(found)) return
      if (this.#used < this.#wanted) return
      found.push({ kind: 'message', bytes: Buffer.from(this.#buffer.subarray(0, this.#wanted)) })
      this.#lineBreaks = 0
      this.#lastIsCr = false
      this.#drop(this.#wanted)
    }
  }

  /** Line breaks and other keep-alives before a message mean nothing to it. */
  #takeIdle(found: Framed[]): boolean {
    // While a head is incomplete, its first octet has been looked at.
    const octets = this.#searched > 0 ? 0 : idleOctets(this.#buffer, this.#used)
    for (let at = 0; at < octets; at++) this.#noteIdle(this.#buffer[at], found)
    if (octets > 0) this.#drop(octets)
    return octets > 0
  }

  #noteIdle(octet: number | undefined, found: Framed[]): void {
    const ends = octet === LF && this.#lastIsCr
    if (ends) found.push({ kind: ++this.#lineBreaks % 2 === 0 ? 'ping' : 'pong' })
    else if (octet !== CR || this.#lastIsCr) this.#lineBreaks = 0
    this.#lastIsCr = octet === CR
  }

  /** False: it is not complete. */
  #readHead(found: Framed[]): boolean {
    const end = this.#buffer.subarray(0, this.#used).indexOf(END_OF_HEAD, Math.max(0, this.#searched - 3))
    this.#searched = this.#used
    if (end < 0) {
      if (this.#used >= MAX_MESSAGE_OCTETS) this.#break(found, this.#used, 413, 'Message Too Large')
      return false
    }
    const headOctets = end + END_OF_HEAD.length
    const length = contentLength(this.#buffer.toString('latin1', 0, end))
    if (typeof length === 'string') this.#break(found, headOctets, 400, length)
    else if (headOctets + length > MAX_MESSAGE_OCTETS) this.#break(found, headOctets, 413, 'Message Too Large')
    else this.#wanted = headOctets + length
    return !this.#broken
  }

  #break(found: Framed[], headOctets: number, status: 400 | 413, reason: string): void {
    this.#broken = true
    found.push({ kind: 'broken', status, reason, head: Buffer.from(this.#buffer.subarray(0, headOctets)) })
    this.#buffer = Buffer.alloc(0)
    this.#used = 0
  }

  #drop(octets: number): void {
    this.#buffer.copy(this.#buffer, 0, octets, this.#used)
    this.#used -= octets
    this.#searched = 0
    this.#wanted = 0
    // A large message must not leave its memory to a connection that is silent from now on.
    if (this.#used === 0 && this.#buffer.length > FIRST_CAPACITY) this.#buffer = Buffer.alloc(0)
  }
}

/** RFC 3261 20.14: a stream needs one, and one only; otherwise what is wrong with it. */
function contentLength(head: string): number | string {
  // A reader that takes these for ends of lines would find other headers, and the next message elsewhere.
  if (/\r(?!\n)|(?<!\r)\n/.test(head)) return 'Stray line break in the head'
  const values = [...head.matchAll(CONTENT_LENGTH)].map(([, value = '']) => value.replace(/\r\n/g, ''))
  if (values.length === 0) return 'Missing Content-Length'
  if (values.length > 1) return 'More than one content-length'
  const digits = /^[ \t]*(\d{1,10})[ \t]*$/.exec(values[0] ?? '')?.[1]
  return digits === undefined ? 'Wrong Content-Length' : Number(digits)
}
