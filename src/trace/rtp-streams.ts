import type { SdpText } from './sdp-text.js'
import { placeText, type TracedPacket } from './traced.js'

/** One RTP stream as its packets show it. */
export interface RtpStream {
  ssrc: number
  from: string
  to: string
  payloadType: number
  packets: number
  /** RFC 3550 A.3: expected minus received, at least 0. */
  lost: number
  /** RFC 3550 A.8, ms: at the end, and the mean over all packets. */
  jitterMs: number
  meanJitterMs: number
  /** Named in an SDP of the trace as a place that receives. */
  isAnnounced: boolean
  firstAt: number
  lastAt: number
}

interface Counting extends RtpStream {
  rate: number
  highest: number
  base: number
  transit: number
  jitter: number
  jitterSum: number
}

const MAX_STREAMS = 1_000
const MAX_PLACES = 4_000
/** Payload types of these are RTCP (RFC 5761 4). */
const isRtcp = (type: number): boolean => type >= 192 && type <= 223
const DEFAULT_RATE = 8000

/** Loss and jitter of all streams of a trace. */
export class RtpStreams {
  readonly #streams = new Map<string, Counting>()
  /** Clock rates by the place that receives. */
  readonly #announced = new Map<string, Map<number, number>>()

  /** The SDP of a message says where RTP goes. */
  expect({ audio, rates }: SdpText): void {
    if (this.#announced.size < MAX_PLACES) this.#announced.set(placeText(audio), rates)
  }

  get streams(): RtpStream[] {
    return [...this.#streams.values()].map(({ rate, highest, base, transit, jitter, jitterSum, ...stream }) => ({
      ...stream,
      lost: Math.max(0, highest - base + 1 - stream.packets),
      jitterMs: (jitter / rate) * 1000,
      meanJitterMs: (jitterSum / Math.max(1, stream.packets) / rate) * 1000,
      isAnnounced: this.#announced.has(stream.to),
    }))
  }

  packet({ at, from, to, octets }: TracedPacket): void {
    if (octets.length < 12 || isRtcp(octets[1] ?? 0)) return
    const view = new DataView(octets.buffer, octets.byteOffset, octets.length)
    const payloadType = view.getUint8(1) & 0x7f
    const sequence = view.getUint16(2)
    const timestamp = view.getUint32(4)
    const ssrc = view.getUint32(8)
    const key = `${placeText(from)} ${placeText(to)} ${ssrc}`
    const stream = this.#streams.get(key)
    if (stream) count(stream, at, sequence, timestamp)
    else if (this.#streams.size < MAX_STREAMS) {
      const place = placeText(to)
      const rate = this.#announced.get(place)?.get(payloadType) ?? DEFAULT_RATE
      this.#streams.set(key, {
        ssrc,
        from: placeText(from),
        to: place,
        payloadType,
        packets: 1,
        lost: 0,
        jitterMs: 0,
        meanJitterMs: 0,
        isAnnounced: false,
        firstAt: at,
        lastAt: at,
        rate: rate > 0 ? rate : DEFAULT_RATE,
        highest: sequence,
        base: sequence,
        transit: (at * rate) / 1000 - timestamp,
        jitter: 0,
        jitterSum: 0,
      })
    }
  }
}

function count(stream: Counting, at: number, sequence: number, timestamp: number): void {
  stream.packets++
  stream.lastAt = at
  // Forward by less than half of the numbers, else late.
  const step = (sequence - (stream.highest & 0xffff)) & 0xffff
  if (step < 0x8000) stream.highest += step
  else stream.base = Math.min(stream.base, stream.highest - (0x10000 - step))
  const transit = (at * stream.rate) / 1000 - timestamp
  // The timestamp wraps at 2^32.
  const moved = Math.abs(((transit - stream.transit + 2 ** 31) % 2 ** 32) - 2 ** 31)
  stream.transit = transit
  stream.jitter += (moved - stream.jitter) / 16
  stream.jitterSum += stream.jitter
}
