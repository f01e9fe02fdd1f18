/** Reads the media descriptions of an SDP (RFC 8866 5.14). sdp-transform reads all lines except m=. */
import { parse, type MediaDescription as RawMedia } from 'sdp-transform'
import type { Direction } from '../base/audio.js'
import { TelephonyError } from '../base/errors.js'
import { plainLines } from './spelling.js'

export interface PayloadFormat {
  payloadType: number
  /** As written; names are compared without regard to case (RFC 4855 3). */
  name: string
  clockRate: number
  fmtp?: string
}

export interface MediaDescription {
  /** `audio`, `video`, `image` … */
  kind: string
  /** 0: refused, or not wanted (RFC 3264 5.1, 6). */
  port: number
  /** `RTP/AVP`, `UDPTL` … */
  protocol: string
  /** The formats of the m= line; for RTP they are payload types. */
  formats: readonly string[]
  /** The entries of `formats` that are known by an rtpmap or by number (RFC 3551 6), in the same order. */
  payloads: readonly PayloadFormat[]
  /** Address or host name from the media's own c= line, else from the session's. */
  address: string | undefined
  /** a=rtcp (RFC 3605). */
  rtcpPort: number | undefined
  /** From the side of the describing peer. */
  direction: Direction
  /** Wanted and largest length of a packet (RFC 8866 6.3, 6.4). */
  ptimeMs: number | undefined
  maxPtimeMs?: number
}

/** As much as a SIP message can carry. */
const MAX_OCTETS = 65_536
/** A browser's offer with a line for each of its participants has dozens. */
const MAX_MEDIA = 256
/** RTP has 128 payload types. */
const MAX_FORMATS = 256
const MAX_PAYLOAD_TYPE = 127

/** RFC 3551 6: may be offered without rtpmap. We support the first two; the names of the others make refusals readable. */
const STATIC_PAYLOADS = new Map<number, string>([
  [0, 'PCMU'],
  [8, 'PCMA'],
  [3, 'GSM'],
  [9, 'G722'],
  [13, 'CN'],
  [18, 'G729'],
])

/**
 * The used lines. The library does not get others: it compares each unknown attribute with about fifty patterns, so that
 * 64 kB of short attributes would block all calls for 60 ms.
 */
const WANTED = /^(?:[vcm]=|a=(?:rtpmap|fmtp|rtcp|ptime|maxptime|sendrecv|sendonly|recvonly|inactive)(?::|$))/

/** Throws BAD_SDP. */
export function parseDescription(text: string): readonly MediaDescription[] {
  if (text.length > MAX_OCTETS)
    throw new TelephonyError('BAD_SDP', `the SDP of the peer is too large: ${text.length} characters`)
  const lines = plainLines(text).filter((line) => WANTED.test(line))
  const mediaLines = lines.filter((line) => line.startsWith('m='))
  if (mediaLines.length > MAX_MEDIA)
    throw new TelephonyError('BAD_SDP', `the SDP of the peer has too many media lines: ${mediaLines.length}`)
  // Lines that are not understood are skipped (RFC 8866 5); a text without v=0 is not SDP at all.
  const session = parse(lines.join('\r\n'))
  if (session.version !== 0) throw new TelephonyError('BAD_SDP', 'the SDP of the peer does not begin with v=0')
  // The library begins a media description with every m= line.
  return session.media.map((media, i) => readMedia(media, readMediaLine(mediaLines[i]), session))
}

/** RFC 8866 9: token. */
const TOKEN = String.raw`[\w!#$%&'*+.^\x60{|}~-]+`
const KIND = new RegExp(`^${TOKEN}$`)
/** Only the first port of a stream over several ports is used (RFC 8866 5.14). */
const PORT = /^(\d{1,5})(?:\/\d+)?$/
const PROTOCOL = new RegExp(`^${TOKEN}(?:/${TOKEN})*$`)

/** Our own reader: the library skips an m= line with a count of ports (`49170/2`) or characters such as `-` in a word (`x-data`). */
function readMediaLine(line = ''): Pick<MediaDescription, 'kind' | 'port' | 'protocol' | 'formats'> {
  const [kind = '', portText = '', protocol = '', ...formats] = line.slice(2).split(' ')
  const port = Number(PORT.exec(portText)?.[1])
  if (!KIND.test(kind) || !isPort(port) || !PROTOCOL.test(protocol)) {
    throw new TelephonyError('BAD_SDP', `the media line “${line.slice(0, 64)}” cannot be read`)
  }
  if (formats.length > MAX_FORMATS)
    throw new TelephonyError('BAD_SDP', `an m= line of the peer has too many formats: ${formats.length}`)
  return { kind: kind.toLowerCase(), port, protocol, formats }
}

/** The session's attributes hold unless the media's own lines replace them. */
type SessionLevel = Pick<RawMedia, 'connection' | 'direction' | 'ptime' | 'maxptime'>

function readMedia(raw: RawMedia, line: ReturnType<typeof readMediaLine>, session: SessionLevel): MediaDescription {
  const address = raw.connection?.ip ?? session.connection?.ip
  const rtcpPort = Number(raw.rtcp?.port)
  const maxPtimeMs = milliseconds(raw.maxptime) ?? milliseconds(session.maxptime)
  return {
    ...line,
    payloads: line.formats.flatMap((format) => readPayload(format, raw)),
    address: address === undefined ? undefined : String(address),
    rtcpPort: isPort(rtcpPort) && rtcpPort > 0 ? rtcpPort : undefined,
    direction: raw.direction ?? session.direction ?? 'sendrecv',
    ptimeMs: milliseconds(raw.ptime) ?? milliseconds(session.ptime),
    ...(maxPtimeMs === undefined ? {} : { maxPtimeMs }),
  }
}

/** RFC 8866 6.4: may have a fraction. */
function milliseconds(value: unknown): number | undefined {
  const ms = Number(value)
  return ms > 0 ? ms : undefined
}

const isPort = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= 65_535

/** The library leaves `08` as text; the text is empty if the number is missing. */
const isFor = (payloadType: number) => (line: { payload: number | string }) =>
  line.payload !== '' && Number(line.payload) === payloadType

function readPayload(format: string, raw: RawMedia): PayloadFormat[] {
  const payloadType = /^\d{1,3}$/.test(format) ? Number(format) : MAX_PAYLOAD_TYPE + 1
  if (payloadType > MAX_PAYLOAD_TYPE) return []
  const map = raw.rtp.find(isFor(payloadType))
  const name = map ? String(map.codec) : STATIC_PAYLOADS.get(payloadType)
  const clockRate = Number(map?.rate ?? 8000)
  // RFC 8866 6.6: one channel by default. Formats with several channels are not supported.
  const channels = Number(map?.encoding ?? 1)
  if (!name || channels !== 1 || !Number.isSafeInteger(clockRate) || clockRate <= 0) return []
  const fmtp = raw.fmtp.find(isFor(payloadType))?.config
  return [{ payloadType, name, clockRate, ...(fmtp === undefined ? {} : { fmtp: String(fmtp) }) }]
}
