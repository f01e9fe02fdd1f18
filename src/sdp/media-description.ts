/** What the media lines of an SDP say (RFC 8866 5.14), as far as it matters here. */
import { TelephonyError } from '../base/errors.js'
import { readSections, type Section, wordsOf } from './lines.js'

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

/** Throws BAD_SDP. */
export function parseDescription(text: string): readonly MediaDescription[] {
  if (text.length > MAX_OCTETS) throw new TelephonyError('BAD_SDP', `the SDP has ${text.length} characters`)
  const [session, ...media] = readSections(text)
  // Lines that are not understood are skipped (RFC 8866 5); a text without v=0 is not SDP at all.
  if (session.version !== '0') throw new TelephonyError('BAD_SDP', 'the SDP does not begin with v=0')
  if (media.length > MAX_MEDIA) throw new TelephonyError('BAD_SDP', `the SDP has ${media.length} media lines`)
  const above = readAttributes(session)
  return media.map((section) => readMedia(section, above, session.connection))
}

/** RFC 8866 9: token. */
const TOKEN = String.raw`[\w!#$%&'*+.^\x60{|}~-]+`
const KIND = new RegExp(`^${TOKEN}$`)
/** Of a stream over several ports the first one counts, as if it were the only one (RFC 8866 5.14). */
const PORT = /^(\d{1,5})(?:\/\d+)?$/
const PROTOCOL = new RegExp(`^${TOKEN}(?:/${TOKEN})*$`)

function readMediaLine(line: string): Pick<MediaDescription, 'kind' | 'port' | 'protocol' | 'formats'> {
  const [kind = '', portText = '', protocol = '', ...formats] = wordsOf(line)
  const port = Number(PORT.exec(portText)?.[1])
  if (!KIND.test(kind) || !isPort(port) || !PROTOCOL.test(protocol)) {
    throw new TelephonyError('BAD_SDP', `the media line “m=${line.slice(0, 64)}” cannot be read`)
  }
  if (formats.length > MAX_FORMATS) throw new TelephonyError('BAD_SDP', `${formats.length} formats in one m= line`)
  return { kind: kind.toLowerCase(), port, protocol, formats }
}

function readMedia(section: Section, above: Attributes, address: string | undefined): MediaDescription {
  const line = readMediaLine(section.media)
  const { maps, fmtps, rtcpPort, direction = 'sendrecv', ptimeMs, maxPtimeMs } = readAttributes(section, above)
  return {
    ...line,
    payloads: line.formats.flatMap((format) => readPayload(format, maps, fmtps)),
    address: section.connection ?? address,
    rtcpPort,
    direction,
    ptimeMs,
    ...(maxPtimeMs === undefined ? {} : { maxPtimeMs }),
  }
}

interface RtpMap {
  payloadType: number
  name: string
  clockRate: number
  channels: number
}

interface Attributes {
  maps: RtpMap[]
  fmtps: { payloadType: number; config: string }[]
  rtcpPort: number | undefined
  direction: Direction | undefined
  ptimeMs: number | undefined
  maxPtimeMs: number | undefined
}

/** `above`: those above all media, which hold where the media's own do not say otherwise. */
function readAttributes({ attributes }: Section, above?: Attributes): Attributes {
  const { direction, ptimeMs, maxPtimeMs } = above ?? {}
  const read: Attributes = { maps: [], fmtps: [], rtcpPort: undefined, direction, ptimeMs, maxPtimeMs }
  for (const { name, value } of attributes) {
    switch (name) {
      case 'rtpmap':
        read.maps.push(...readRtpMap(value))
        break
      case 'fmtp':
        read.fmtps.push(...numbered(value).map(([payloadType, config]) => ({ payloadType, config })))
        break
      case 'rtcp':
        read.rtcpPort = readPort(value)
        break
      case 'ptime':
        read.ptimeMs = milliseconds(value) ?? read.ptimeMs
        break
      case 'maxptime':
        read.maxPtimeMs = milliseconds(value) ?? read.maxPtimeMs
        break
      case 'sendrecv':
      case 'sendonly':
      case 'recvonly':
      case 'inactive':
        read.direction = name
    }
  }
  return read
}

/** RFC 3605 2.1: the port alone, or with an address behind it. */
function readPort(value: string): number | undefined {
  const port = leadingNumber(value)
  return isPort(port) && port > 0 ? port : undefined
}

/** RFC 8866 6.4: may have a fraction. */
function milliseconds(value: string): number | undefined {
  const ms = Number(/^\d+(?:\.\d+)?/.exec(value)?.[0])
  return ms > 0 ? ms : undefined
}

const leadingNumber = (text: string): number => Number(/^\d+/.exec(text)?.[0])

const isPort = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= 65_535

/** RFC 8866 6.6: `101 telephone-event/8000/1`; one channel unless it says more. */
function readRtpMap(value: string): RtpMap[] {
  return numbered(value).map(([payloadType, text]) => {
    const [name = '', clockRate = '8000', channels = '1'] = text.split('/', 3)
    return {
      payloadType,
      name: name.trim(),
      clockRate: leadingNumber(clockRate.trim()),
      channels: leadingNumber(channels.trim()),
    }
  })
}

/** `101 rest`: a payload type and what is said of it. */
function numbered(value: string): [payloadType: number, rest: string][] {
  const number = /^\d{1,3}(?=\s)/.exec(value)?.[0]
  if (number === undefined || Number(number) > MAX_PAYLOAD_TYPE) return []
  return [[Number(number), value.slice(number.length).trimStart()]]
}

function readPayload(format: string, maps: Attributes['maps'], fmtps: Attributes['fmtps']): PayloadFormat[] {
  const payloadType = /^\d{1,3}$/.test(format) ? Number(format) : MAX_PAYLOAD_TYPE + 1
  if (payloadType > MAX_PAYLOAD_TYPE) return []
  const map = maps.find((candidate) => candidate.payloadType === payloadType)
  const name = map ? map.name : STATIC_PAYLOADS.get(payloadType)
  const { clockRate, channels } = map ?? { clockRate: 8000, channels: 1 }
  // Nothing with several channels is known here.
  if (!name || channels !== 1 || !Number.isSafeInteger(clockRate) || clockRate <= 0) return []
  const fmtp = fmtps.find((candidate) => candidate.payloadType === payloadType)?.config
  return [{ payloadType, name, clockRate, ...(fmtp === undefined ? {} : { fmtp }) }]
}
