/** The media lines of an SDP (RFC 4566 5.14) in types of our own; sdp-transform reads the text. */
import { parse as parseText, type MediaDescription as RawMedia } from 'sdp-transform'
import { TelephonyError } from '../base/errors.js'

/** RFC 4566 6, as the one who describes sees it. */
export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive'

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
  /** The formats as they stand in the m= line; for RTP they are payload types. */
  formats: readonly string[]
  /** Those of `formats` that are known by an rtpmap or by number (RFC 3551 6), in the same order. */
  payloads: readonly PayloadFormat[]
  /** From the media's own c= line, else the one above all media. */
  address: string | undefined
  /** a=rtcp (RFC 3605). */
  rtcpPort: number | undefined
  direction: Direction
  /** How much sound the writer wants in a packet, and how much it can take (RFC 4566 6). */
  ptimeMs: number | undefined
  maxPtimeMs?: number
}

/** More than any telephone sends; what is longer is refused unread. */
const MAX_OCTETS = 16_384
const MAX_MEDIA = 16
const MAX_FORMATS = 64

/** RFC 3551 6: may be offered without rtpmap. The first two we speak, the others make refusals readable. */
const STATIC_PAYLOADS = new Map<number, string>([
  [0, 'PCMU'],
  [8, 'PCMA'],
  [3, 'GSM'],
  [9, 'G722'],
  [13, 'CN'],
  [18, 'G729'],
])

/** An offer is looked at before ports are opened for it, and again when it is answered: it is read once. */
let lastRead: { text: string; media: readonly MediaDescription[] } | undefined

/** Throws BAD_SDP. */
export function parseDescription(text: string): readonly MediaDescription[] {
  if (lastRead?.text !== text) lastRead = { text, media: readDescription(text) }
  return lastRead.media
}

function readDescription(text: string): MediaDescription[] {
  if (text.length > MAX_OCTETS) throw new TelephonyError('BAD_SDP', `SDP of ${text.length} characters`)
  // sdp-transform skips lines that it does not understand; without v=0 it is no SDP at all.
  const session = parseText(text)
  if (session.version !== 0) throw new TelephonyError('BAD_SDP', 'SDP without v=0')
  if (session.media.length > MAX_MEDIA) throw new TelephonyError('BAD_SDP', `${session.media.length} media lines`)
  // sdp-transform begins a media with every m= line, but understands only some of them.
  const mediaLines = text.split(/\r\n|\r|\n/).filter((line) => line.startsWith('m='))
  return session.media.map((media, i) => readMedia(media, readMediaLine(mediaLines[i]), session))
}

/** RFC 4566 9: token. */
const TOKEN = String.raw`[\w!#$%&'*+.^\x60{|}~-]+`
/** RFC 4566 5.14. Of a stream over several ports the first one counts, as if it were the only one. */
const MEDIA_LINE = new RegExp(`^m=(${TOKEN}) +(\\d{1,5})(?:/\\d+)? +(${TOKEN}(?:/${TOKEN})*)(?: +(.*))?$`)

function readMediaLine(line = ''): Pick<MediaDescription, 'kind' | 'port' | 'protocol' | 'formats'> {
  const [, kind, port, protocol, rest = ''] = MEDIA_LINE.exec(line) ?? []
  if (kind === undefined || protocol === undefined || !isPort(Number(port))) {
    throw new TelephonyError('BAD_SDP', 'malformed m= line')
  }
  const formats = rest.split(' ').filter((format) => format !== '')
  if (formats.length > MAX_FORMATS) throw new TelephonyError('BAD_SDP', `${formats.length} formats in one m= line`)
  return { kind, port: Number(port), protocol, formats }
}

type SessionLevel = Pick<RawMedia, 'connection' | 'direction' | 'ptime' | 'maxptime'>

function readMedia(raw: RawMedia, line: ReturnType<typeof readMediaLine>, session: SessionLevel): MediaDescription {
  const address = raw.connection?.ip ?? session.connection?.ip
  const rtcpPort = raw.rtcp?.port
  const maxPtimeMs = milliseconds(raw.maxptime ?? session.maxptime)
  return {
    ...line,
    payloads: line.formats.flatMap((format) => readPayload(format, raw)),
    address: address === undefined ? undefined : String(address),
    rtcpPort: isPort(rtcpPort) && rtcpPort > 0 ? rtcpPort : undefined,
    direction: raw.direction ?? session.direction ?? 'sendrecv',
    ptimeMs: milliseconds(raw.ptime ?? session.ptime),
    ...(maxPtimeMs === undefined ? {} : { maxPtimeMs }),
  }
}

const milliseconds = (value: unknown): number | undefined =>
  Number.isInteger(value) && Number(value) > 0 ? Number(value) : undefined

const isPort = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 65_535

function readPayload(format: string, raw: RawMedia): PayloadFormat[] {
  const payloadType = /^\d{1,3}$/.test(format) ? Number(format) : 128
  if (payloadType > 127) return []
  const map = raw.rtp.find((candidate) => candidate.payload === payloadType)
  const name = map === undefined ? STATIC_PAYLOADS.get(payloadType) : String(map.codec)
  if (!name) return []
  // RFC 4566 6: channels, one unless it says more; of several none is known here.
  if (Number(map?.encoding ?? 1) !== 1) return []
  const clockRate = Number(map?.rate ?? 8000)
  if (!Number.isSafeInteger(clockRate) || clockRate <= 0) return []
  const fmtp = raw.fmtp.find((candidate) => candidate.payload === payloadType)?.config
  return [{ payloadType, name, clockRate, ...(fmtp === undefined ? {} : { fmtp: String(fmtp) }) }]
}
