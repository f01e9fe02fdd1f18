import { bodyOf } from './sip-text.js'
import type { TracePlace } from './traced.js'

/** The first audio description of a message's SDP. */
export interface SdpText {
  audio: TracePlace
  rtcpPort: number
  direction: string
  codecs: string[]
  /** Clock rate by payload type. */
  rates: Map<number, number>
}

const STATIC: Readonly<Record<string, string>> = {
  0: 'PCMU/8000',
  3: 'GSM/8000',
  8: 'PCMA/8000',
  9: 'G722/8000',
  18: 'G729/8000',
}
const MAX_FORMATS = 32

/** Undefined without a readable audio line. */
export function readSdp(text: string): SdpText | undefined {
  const body = bodyOf(text)
  const start = body.search(/^m=audio /m)
  if (start < 0) return undefined
  const next = body.slice(start + 2).search(/^m=/m)
  const media = next < 0 ? body.slice(start) : body.slice(start, start + 2 + next)
  const [, port = '0', formats = ''] = /^m=audio (\d{1,5})\S* \S+ ?([^\r\n]*)/.exec(media) ?? []
  const connection = /^c=IN IP[46] ([^\s/]{1,64})/m
  const host = (connection.exec(media) ?? connection.exec(body.slice(0, start)))?.[1] ?? ''
  const rates = new Map<number, number>()
  const codecs = formats
    .split(' ')
    .filter((format) => /^\d{1,3}$/.test(format))
    .slice(0, MAX_FORMATS)
    .map((format) => {
      const map = new RegExp(`^a=rtpmap:${format} ([\\w.-]{1,32})/(\\d{1,6})`, 'm').exec(media)
      const [name = format, rate = '8000'] = map ? [map[1], map[2]] : (STATIC[format] ?? format).split('/')
      rates.set(Number(format), Number(rate))
      return name
    })
  const direction = /^a=(sendrecv|sendonly|recvonly|inactive)\s*$/m
  return {
    audio: { host, port: Number(port) },
    rtcpPort: Number(/^a=rtcp:(\d{1,5})/m.exec(media)?.[1] ?? Number(port) + 1),
    direction: (direction.exec(media) ?? direction.exec(body.slice(0, start)))?.[1] ?? 'sendrecv',
    codecs,
    rates,
  }
}
