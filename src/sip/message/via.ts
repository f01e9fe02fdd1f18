import { newToken } from '../../base/ids.js'
import { hostEnd, lowerCase, numberIn, skipBlanks, tokenEnd } from '../uri/characters.js'
import { KnownNames } from '../uri/known-names.js'
import { type Params, parseParams } from '../uri/params.js'

/** `SIP/2.0/UDP host:port;branch=z9hG4bK…` (RFC 3261 20.42). */
export interface Via {
  /** `2.0`; another one is answered 505, for which the Via has to be readable. */
  version: string
  transport: string
  host: string
  port: number | undefined
  /** '' where there is none: a peer of RFC 2543. */
  branch: string
  received: string | undefined
  /** RFC 3581: '' asks for it, a number answers. Undefined: not asked. */
  rport: string | undefined
  params: Params
}

const MAX_PORT = 65_535
const TRANSPORTS = new KnownNames(['UDP', 'TCP', 'TLS', 'WS', 'WSS'].map((name) => [name, name]))
const USUAL_PROTOCOL = 'SIP/2.0/'
const SLASH = 0x2f
const COLON = 0x3a

/** Blanks may stand at both sides of each separator (RFC 3261 25.1); undefined where the text is malformed. */
export function parseVia(value: string): Via | undefined {
  const start = skipBlanks(value, 0)
  const isUsual = value.startsWith(USUAL_PROTOCOL, start)
  const version = isUsual ? '2.0' : versionAt(value, start)
  if (version === undefined) return undefined
  const transportStart = isUsual
    ? skipBlanks(value, start + USUAL_PROTOCOL.length)
    : skipBlanks(value, value.indexOf('/', value.indexOf('/', start) + 1) + 1)
  const transportEnd = tokenEnd(value, transportStart)
  const hostStart = skipBlanks(value, transportEnd)
  const hostStop = hostEnd(value, hostStart)
  if (transportEnd === transportStart || hostStart === transportEnd || hostStop === hostStart) return undefined

  let at = skipBlanks(value, hostStop)
  let port: number | undefined
  const portStart = afterSeparator(value, at, COLON)
  if (portStart >= 0) {
    const portEnd = tokenEnd(value, portStart)
    port = numberIn(value, portStart, portEnd, 5)
    if (port < 0 || port > MAX_PORT) return undefined
    at = skipBlanks(value, portEnd)
  }
  const params = parseParams(value, at)
  return (
    params && {
      version,
      transport:
        TRANSPORTS.find(value, transportStart, transportEnd) ?? value.slice(transportStart, transportEnd).toUpperCase(),
      host: lowerCase(value.slice(hostStart, hostStop)),
      port,
      branch: params.get('branch') ?? '',
      received: params.get('received'),
      rport: params.has('rport') ? (params.get('rport') ?? '') : undefined,
      params,
    }
  )
}

/** Of `SIP / 2.0 /`. */
function versionAt(text: string, start: number): string | undefined {
  const protocolEnd = tokenEnd(text, start)
  const versionStart = afterSeparator(text, skipBlanks(text, protocolEnd), SLASH)
  if (versionStart < 0 || text.slice(start, protocolEnd).toUpperCase() !== 'SIP') return undefined
  const version = text.slice(versionStart, versionStart + 3)
  const ends = afterSeparator(text, skipBlanks(text, versionStart + 3), SLASH) >= 0
  return ends && /^\d\.\d$/.test(version) ? version : undefined
}

/** Index after the separator at `at` and the blanks that follow it; -1 where it is another character. */
const afterSeparator = (text: string, at: number, separator: number): number =>
  text.charCodeAt(at) === separator ? skipBlanks(text, at + 1) : -1

/** RFC 3261 17.2.3: only branches that start so were made to be unique. */
export const BRANCH_COOKIE = 'z9hG4bK'

/** 64 random bits: RFC 3261 8.1.1.7 wants branches unique over space and time. */
export const newBranch = (): string => BRANCH_COOKIE + newToken()

export const isUniqueBranch = (branch: string): boolean =>
  branch.length > BRANCH_COOKIE.length && branch.startsWith(BRANCH_COOKIE)

export const formatSentBy = (via: Via): string => (via.port === undefined ? via.host : `${via.host}:${via.port}`)

const STAMPED: ReadonlySet<string> = new Set(['received', 'rport'])

/**
 * The Via as the server transport hands it on: `received` where the source differs from sent-by (RFC 3261 18.2.1) or
 * where `rport` is asked for, and `rport` filled in then (RFC 3581 4). A value that the sender wrote into either itself
 * does not survive.
 */
export function stampVia(via: Via, source: { host: string; port: number }): string {
  const wantsPort = via.rport !== undefined
  let text = `SIP/${via.version}/${via.transport} ${formatSentBy(via)}`
  text += via.params.textWithout(STAMPED)
  const received = withoutZone(source.host) // a zone is this machine's own
  if (wantsPort || withoutBrackets(via.host) !== received) text += `;received=${received}`
  if (wantsPort) text += `;rport=${source.port}`
  return text
}

function withoutZone(host: string): string {
  const zone = host.indexOf('%')
  return zone < 0 ? host : host.slice(0, zone)
}

const withoutBrackets = (host: string): string => (host.startsWith('[') ? host.slice(1, -1) : host)
