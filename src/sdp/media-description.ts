/** What the media lines of an SDP say (RFC 8866 5.14), as far as it matters here. sdp-transform reads all other lines. */
import { parse, type MediaDescription as RawMedia } from 'sdp-transform'
import { TelephonyError } from '../base/errors.js'
import { plainLines } from './spelling.js'

/** RFC 8866 6.7, as the side that describes sees it. */
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
  /** From the media's own c= line, else the one above all media: an address or a host name. */
  address: string | undefined
  /** a=rtcp (RFC 3605). */
  rtcpPort: number | undefined
  direction: Direction
  /** How much sound the writer wants in a packet, and how much it can take (RFC 8866 6.3, 6.4). */
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

/** RFC 3551 6: may be offered without rtpmap. The first two we speak, the others make refusals readable. */
const STATIC_PAYLOADS = new Map<number, string>([
  [0, 'PCMU'],
  [8, 'PCMA'],
  [3, 'GSM'],
  [9, 'G722'],
  [13, 'CN'],
  [18, 'G729'],
])

/**
 * The lines that matter here. The library gets no others: it tries each attribute that it does not know against some fifty patterns, so that
 * 64 kB of short ones would hold up all calls for 60 ms.
 */
const WANTED = /^(?:[vcm]=|a=(?:rtpmap|fmtp|rtcp|ptime|maxptime|sendrecv|sendonly|recvonly|inactive)(?::|$))/

/** Throws BAD_SDP. */
export function parseDescription(text: string): readonly MediaDescription[] {
  if (text.length > MAX_OCTETS) throw new TelephonyError('BAD_SDP', `the SDP has ${text.length} characters`)
  const lines = plainLines(text).filter((line) => WANTED.test(line))
  const mediaLines = lines.filter((line) => line.startsWith('m='))
  if (mediaLines.length > MAX_MEDIA) throw new TelephonyError('BAD_SDP', `the SDP has ${mediaLines.length} media lines`)
  // Lines that are not understood are skipped (RFC 8866 5); a text without v=0 is not SDP at all.
  const session = parse(lines.join('\r\n'))
  if (session.version !== 0) throw new TelephonyError('BAD_SDP', 'the SDP does not begin with v=0')
  // The library begins a media with every m= line.
  return session.media.map((media, i) => readMedia(media, readMediaLine(mediaLines[i]), session))
}

/** RFC 8866 9: token. */
const TOKEN = String.raw`[\w!#$%&'*+.^\x60{|}~-]+`
const KIND = new RegExp(`^${TOKEN}$`)
/** Of a stream over several ports the first one counts, as if it were the only one (RFC 8866 5.14). */
const PORT = /^(\d{1,5})(?:\/\d+)?$/
const PROTOCOL = new RegExp(`^${TOKEN}(?:/${TOKEN})*$`)

/** A reader of our own: the library skips an m= line with a count of ports (`49170/2`) or signs such as `-` in a word (`x-data`). */
function readMediaLine(line = ''): Pick<MediaDescription, 'kind' | 'port' | 'protocol' | 'formats'> {
  const [kind = '', portText = '', protocol = '', ...formats] = line.slice(2).split(' ')
  const port = Number(PORT.exec(portText)?.[1])
  if (!KIND.test(kind) || !isPort(port) || !PROTOCOL.test(protocol)) {
    throw new TelephonyError('BAD_SDP', `the media line “${line.slice(0, 64)}” cannot be read`)
  }
  if (formats.length > MAX_FORMATS) throw new TelephonyError('BAD_SDP', `${formats.length} formats in one m= line`)
  return { kind: kind.toLowerCase(), port, protocol, formats }
}

/** What stands above all media holds where the media's own lines do not say otherwise. */
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

/** The library leaves `08` as text; where the number is missing, the text is empty. */
const isFor = (payloadType: number) => (line: { payload: number | string }) =>
  line.payload !== '' && Number(line.payload) === payloadType

function readPayload(format: string, raw: RawMedia): PayloadFormat[] {
  const payloadType = /^\d{1,3}$/.test(format) ? Number(format) : MAX_PAYLOAD_TYPE + 1
  if (payloadType > MAX_PAYLOAD_TYPE) return []
  const map = raw.rtp.find(isFor(payloadType))
  const name = map ? String(map.codec) : STATIC_PAYLOADS.get(payloadType)
  const clockRate = Number(map?.rate ?? 8000)
  // RFC 8866 6.6: one channel unless it says more. Nothing with several channels is known here.
  const channels = Number(map?.encoding ?? 1)
  if (!name || channels !== 1 || !Number.isSafeInteger(clockRate) || clockRate <= 0) return []
  const fmtp = raw.fmtp.find(isFor(payloadType))?.config
  return [{ payloadType, name, clockRate, ...(fmtp === undefined ? {} : { fmtp: String(fmtp) }) }]
}
