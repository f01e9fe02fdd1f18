/** Datagrams that are nearly right, the same for the same seed. */
import { requestText, responseText, SDP } from './sip-messages.js'

const METHODS = [
  'INVITE',
  'ACK',
  'BYE',
  'CANCEL',
  'OPTIONS',
  'INFO',
  'UPDATE',
  'MESSAGE',
  'REGISTER',
  'NOTIFY',
  'REFER',
]
/** What parsers trip over. */
const PIECES = [
  '\r\n',
  '\n',
  '\r\n ',
  '\0',
  ',',
  ';',
  '"',
  '<',
  '>',
  ':',
  '%',
  '%00',
  '=',
  '@',
  ' ',
  '\t',
  'ü',
  '[::1]',
]
const VALUES = [
  '-1',
  '0',
  '4294967296',
  '99999999999999999999',
  '1e9',
  '0x1f',
  '__proto__',
  'constructor',
  '*',
  '"',
  '',
]
const HEADERS = [
  'Via',
  'From',
  'To',
  'Call-ID',
  'CSeq',
  'Contact',
  'Content-Length',
  'Max-Forwards',
  'Route',
  'Require',
]
const LINES = ['m=audio 0 RTP/AVP 8', 'm=audio 70000 RTP/AVP 8', 'c=IN IP4 0.0.0.0', 'c=IN IP6 ::1', 'a=rtpmap:8', 'm=']

export class Mutations {
  readonly #random: () => number
  #count = 0

  constructor(random: () => number) {
    this.#random = random
  }

  next(user: string, via: string): Buffer {
    const n = this.#count++
    let text = this.#right(user, via, n)
    for (let edits = 1 + this.#below(4); edits > 0; edits--) text = this.#edit(text)
    const bytes = Buffer.from(text, this.#random() < 0.1 ? 'latin1' : 'utf8')
    for (let flips = this.#random() < 0.2 ? this.#below(6) : 0; flips > 0; flips--) {
      bytes[this.#below(bytes.length)] = this.#below(256)
    }
    return this.#random() < 0.05 ? bytes.subarray(0, this.#below(bytes.length)) : bytes
  }

  #right(user: string, via: string, n: number): string {
    if (this.#random() < 0.1) return responseText(100 + this.#below(600))
    const method = this.#pick(METHODS)
    const to = `<sip:${user}@example.org>${this.#random() < 0.3 ? ';tag=x' : ''}`
    return requestText({
      method,
      uri: `sip:${user}@127.0.0.1`,
      via: `SIP/2.0/UDP ${via};branch=z9hG4bKm${n};rport`,
      to,
      callId: `m${n - (this.#random() < 0.2 ? this.#below(20) : 0)}`,
      ...(this.#random() < 0.5 ? { body: SDP } : {}),
    })
  }

  #edit(text: string): string {
    const at = this.#below(text.length)
    const lines = text.split('\r\n')
    const line = this.#below(lines.length)
    switch (this.#below(8)) {
      case 0:
        return text.slice(0, at) + this.#pick(PIECES) + text.slice(at + this.#below(8))
      case 1:
        return text.slice(0, at) + text.slice(at + this.#below(60))
      case 2:
        return text.slice(0, at) + text.slice(at, at + this.#below(60)).repeat(2 + this.#below(8)) + text.slice(at)
      case 3:
        return lines.toSpliced(line, 0, `${this.#pick(HEADERS)}: ${this.#pick(VALUES)}`).join('\r\n')
      case 4:
        return lines.toSpliced(line, 1).join('\r\n')
      case 5:
        return lines.toSpliced(line, 0, lines[this.#below(lines.length)] ?? '').join('\r\n')
      case 6:
        return text.replace(/\d+/g, (digits) => (this.#random() < 0.2 ? this.#pick(VALUES) : digits))
      default:
        return lines.toSpliced(-1, 0, this.#pick(LINES)).join('\r\n')
    }
  }

  #below(n: number): number {
    return Math.floor(this.#random() * n)
  }

  #pick(from: readonly string[]): string {
    return from[this.#below(from.length)] ?? ''
  }
}
