/** Reads the media descriptions of an SDP (RFC 8866 5.14), in one pass over its lines. */
import type { Direction } from '../base/audio.js'
import { TelephonyError } from '../base/errors.js'
import { keyword, linesOf, words } from './spelling.js'

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

/** The lines above the first m= line, or those of one media. Of a repeated line the last one counts that can be read. */
class Level {
  address: string | undefined
  direction: Direction | undefined
  ptimeMs: number | undefined
  maxPtimeMs: number | undefined
  rtcpPort: number | undefined
  /** By payload type, the first line of each. */
  readonly maps = new Map<number, RtpMap>()
  readonly fmtps = new Map<number, string>()
}

/** Texts that are missing on the line are undefined. */
interface RtpMap {
  name: string
  rate: string | undefined
  channels: string | undefined
}

interface Media {
  line: ReturnType<typeof readMediaLine>
  level: Level
}

/** Throws BAD_SDP. Lines that are not used or not understood are skipped (RFC 8866 5). */
export function parseDescription(text: string): readonly MediaDescription[] {
  if (text.length > MAX_OCTETS)
    throw new TelephonyError('BAD_SDP', `the SDP of the peer is too large: ${text.length} characters`)
  const session = new Level()
  const media: Media[] = []
  let level = session
  let version = ''
  for (const line of linesOf(text)) {
    const at = line.indexOf('=')
    const value = line.slice(at + 1)
    switch (keyword(line.slice(0, Math.max(0, at)))) {
      case 'a':
        readAttribute(level, value)
        break
      case 'c':
        level.address = CONNECTION.exec(words(value))?.[1] ?? level.address
        break
      case 'm':
        level = new Level()
        if (media.push({ line: readMediaLine(words(value)), level }) > MAX_MEDIA)
          throw new TelephonyError('BAD_SDP', `the SDP of the peer has more than ${MAX_MEDIA} media lines`)
        break
      case 'v':
        if (level === session) version = words(value)
    }
  }
  // A text without v=0 is not SDP at all.
  if (version !== '0') throw new TelephonyError('BAD_SDP', 'the SDP of the peer does not begin with v=0')
  return media.map((each) => describe(each, session))
}

const CONNECTION = /^IN IP[46] (\S+)/i
/** Some peers put blanks around the slashes. */
const RTPMAP = /^(\d+) ([\w.-]+)(?: ?\/ ?(\d*)(?: ?\/ ?(\S*))?)?/
const FMTP = /^(\d+) (.*)/

function readAttribute(level: Level, text: string): void {
  const colon = text.indexOf(':')
  const name = keyword(colon < 0 ? text : text.slice(0, colon))
  const value = (): string => (colon < 0 ? '' : words(text.slice(colon + 1)))
  switch (name) {
    case 'rtpmap': {
      const [, format, codec = '', rate, channels] = RTPMAP.exec(value()) ?? []
      if (format !== undefined) setFirst(level.maps, Number(format), { name: codec, rate, channels })
      break
    }
    case 'fmtp': {
      const [, format, config = ''] = FMTP.exec(value()) ?? []
      if (format !== undefined) setFirst(level.fmtps, Number(format), config)
      break
    }
    case 'sendrecv':
    case 'sendonly':
    case 'recvonly':
    case 'inactive':
      level.direction = name
      break
    case 'ptime':
      level.ptimeMs = milliseconds(value()) ?? level.ptimeMs
      break
    case 'maxptime':
      level.maxPtimeMs = milliseconds(value()) ?? level.maxPtimeMs
      break
    case 'rtcp': {
      const port = Number.parseInt(value(), 10)
      level.rtcpPort = isPort(port) && port > 0 ? port : undefined
    }
  }
}

function setFirst<Value>(map: Map<number, Value>, key: number, value: Value): void {
  if (!map.has(key)) map.set(key, value)
}

/** RFC 8866 9: token. */
const TOKEN = String.raw`[\w!#$%&'*+.^\x60{|}~-]+`
const KIND = new RegExp(`^${TOKEN}$`)
/** Only the first port of a stream over several ports is used (RFC 8866 5.14). */
const PORT = /^(\d{1,5})(?:\/\d+)?$/
const PROTOCOL = new RegExp(`^${TOKEN}(?:/${TOKEN})*$`)

function readMediaLine(text: string): Pick<MediaDescription, 'kind' | 'port' | 'protocol' | 'formats'> {
  const [kind = '', portText = '', protocol = '', ...formats] = text.split(' ')
  const port = Number(PORT.exec(portText)?.[1])
  if (!KIND.test(kind) || !isPort(port) || !PROTOCOL.test(protocol)) {
    throw new TelephonyError('BAD_SDP', `the media line “m=${text.slice(0, 62)}” cannot be read`)
  }
  if (formats.length > MAX_FORMATS)
    throw new TelephonyError('BAD_SDP', `an m= line of the peer has too many formats: ${formats.length}`)
  return { kind: kind.toLowerCase(), port, protocol, formats }
}

/** The session's attributes hold unless the media's own lines replace them. */
function describe({ line, level }: Media, session: Level): MediaDescription {
  const { kind, port, protocol, formats } = line
  const media: MediaDescription = {
    kind,
    port,
    protocol,
    formats,
    payloads: formats.flatMap((format) => readPayload(format, level)),
    address: level.address ?? session.address,
    rtcpPort: level.rtcpPort,
    direction: level.direction ?? session.direction ?? 'sendrecv',
    ptimeMs: level.ptimeMs ?? session.ptimeMs,
  }
  const maxPtimeMs = level.maxPtimeMs ?? session.maxPtimeMs
  if (maxPtimeMs !== undefined) media.maxPtimeMs = maxPtimeMs
  return media
}

/** RFC 8866 6.4: may have a fraction. */
function milliseconds(value: string): number | undefined {
  const ms = Number(/^\d+(?:\.\d+)?/.exec(value)?.[0])
  return ms > 0 ? ms : undefined
}

const isPort = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= 65_535

function readPayload(format: string, level: Level): PayloadFormat | [] {
  const payloadType = /^\d{1,3}$/.test(format) ? Number(format) : MAX_PAYLOAD_TYPE + 1
  if (payloadType > MAX_PAYLOAD_TYPE) return []
  const map = level.maps.get(payloadType)
  const name = map?.name ?? STATIC_PAYLOADS.get(payloadType)
  const clockRate = Number(map?.rate ?? 8000)
  // RFC 8866 6.6: one channel by default. Formats with several channels are not supported.
  const channels = Number(map?.channels ?? 1)
  if (name === undefined || channels !== 1 || !Number.isSafeInteger(clockRate) || clockRate <= 0) return []
  const fmtp = level.fmtps.get(payloadType)
  return fmtp === undefined ? { payloadType, name, clockRate } : { payloadType, name, clockRate, fmtp }
}
