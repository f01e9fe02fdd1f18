/** The SIP messages and media of a capture file, with limits that no file can exceed. */
import { textOf } from '../../base/octets.js'
import { RtpStreams } from '../rtp-streams.js'
import { readSdp } from '../sdp-text.js'
import { looksLikeSip } from '../sip-text.js'
import { placeText, type TracedMessage, type TracePlace } from '../traced.js'
import { CaptureReader } from './capture-reader.js'
import { PacketDecoder, type Segment } from './packet-decoder.js'
import { SipStream } from './sip-stream.js'

const MAX_MESSAGES = 50_000
const MAX_OCTETS = 64 * 1024 * 1024
const MAX_STREAMS = 2_000

export class CaptureContents {
  readonly messages: TracedMessage[] = []
  readonly rtp = new RtpStreams()
  /** Frames of the file. */
  frames = 0
  /** The file holds more than is kept. */
  isTruncated = false
  readonly #reader = new CaptureReader()
  readonly #decoder = new PacketDecoder()
  readonly #streams = new Map<string, SipStream>()
  #octets = 0

  /** Takes the next octets of the file; the messages that they complete. Throws BAD_ARGUMENT. */
  push(chunk: Buffer): TracedMessage[] {
    const before = this.messages.length
    for (const frame of this.#reader.push(chunk)) {
      this.frames++
      const segment = this.#decoder.decode(frame)
      if (segment) this.#take(segment)
    }
    return this.messages.slice(before)
  }

  /** The file has ended. Throws BAD_ARGUMENT if it is not a capture. */
  end(): void {
    this.#reader.end()
  }

  #take(segment: Segment): void {
    const { at, from, to, payload } = segment
    if (segment.transport === 'tcp') {
      const stream = this.#streamOf(from, to)
      for (const text of stream.push(segment.sequence, segment.isStart, payload))
        this.#keep({ at, protocol: 'tcp', from, to, text })
      return
    }
    // SIP begins with a letter, RTP with a version of 2 in its upper bits.
    const first = payload[0] ?? 0
    if (first >= 0x80 && first < 0xc0) this.rtp.packet({ at, kind: 'rtp', from, to, octets: payload })
    else if (first >= 0x41 && first <= 0x7a) this.#datagram(at, from, to, payload)
  }

  #datagram(at: number, from: TracePlace, to: TracePlace, payload: Buffer): void {
    const text = textOf(payload)
    if (looksLikeSip(text)) this.#keep({ at, protocol: 'udp', from, to, text })
  }

  #keep(message: TracedMessage): void {
    this.#octets += message.text.length
    if (this.messages.length >= MAX_MESSAGES || this.#octets > MAX_OCTETS) {
      this.isTruncated = true
      return
    }
    this.messages.push(message)
    const sdp = readSdp(message.text)
    if (sdp && sdp.audio.port !== 0) this.rtp.expect(sdp)
  }

  #streamOf(from: TracePlace, to: TracePlace): SipStream {
    const key = `${placeText(from)} ${placeText(to)}`
    const known = this.#streams.get(key)
    if (known) return known
    for (const old of this.#streams.keys()) {
      if (this.#streams.size < MAX_STREAMS) break
      this.#streams.delete(old)
    }
    const stream = new SipStream()
    this.#streams.set(key, stream)
    return stream
  }
}
