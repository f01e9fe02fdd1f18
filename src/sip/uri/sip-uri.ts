import { textOf } from '../../base/octets.js'
import { hostEnd, numberIn, schemeEnd } from './characters.js'
import { NO_PARAMS, type Params, parseParams } from './params.js'

/** What a URI says, RFC 3261 19.1.1. */
interface UriParts {
  scheme: string
  user: string
  host: string
  port: number | undefined
  params: Params
  headers: string
}

/** A URI. It is immutable and prints as it was written. */
export class SipUri {
  readonly text: string
  /** In lower case. */
  readonly scheme: string
  /** Decoded, without a password; '' where there is none. Of tel the number. */
  readonly user: string
  /** In lower case, IPv6 in brackets; '' for schemes without a host (tel, urn …). */
  readonly host: string
  readonly port: number | undefined
  readonly params: Params
  /** The text after `?`. */
  readonly headers: string

  constructor(text: string, { scheme, user, host, port, params, headers }: UriParts) {
    this.text = text
    this.scheme = scheme
    this.user = user
    this.host = host
    this.port = port
    this.params = params
    this.headers = headers
  }

  /** RFC 3261 16.12: a proxy whose URI has no `lr` is a strict router. */
  get isLoose(): boolean {
    return this.params.has('lr')
  }

  toString(): string {
    return this.text
  }
}

const MAX_PORT = 65_535

/** Undefined where the text is not a URI. Unknown schemes are taken whole. */
export function parseUri(text: string): SipUri | undefined {
  const colon = schemeEnd(text)
  if (colon < 0 || colon + 1 === text.length || hasForbidden(text)) return undefined
  const scheme = text.startsWith('sip:') ? 'sip' : text.slice(0, colon).toLowerCase()
  const parts = scheme === 'sip' || scheme === 'sips' ? sipParts(scheme, text) : opaqueParts(scheme, text)
  return parts && new SipUri(text, parts)
}

/**
 * White space, controls, line separators and delimiters that a URI must not hold; letters beyond ASCII are tolerated in
 * user parts.
 */
const FORBIDDEN = new Uint8Array(0xa0).fill(1, 0, 0x21).fill(1, 0x7f)
for (const delimiter of '<>"') FORBIDDEN[delimiter.charCodeAt(0)] = 1

function hasForbidden(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code < FORBIDDEN.length ? FORBIDDEN[code] === 1 : code === 0x2028 || code === 0x2029) return true
  }
  return false
}

function sipParts(scheme: string, text: string): UriParts | undefined {
  const userStart = scheme.length + 1
  const at = text.indexOf('@', userStart)
  if (at >= 0 && text.includes('@', at + 1)) return undefined
  const user = at < 0 ? '' : decodeUser(text.slice(userStart, at))
  if (user === undefined) return undefined

  const hostStart = at < 0 ? userStart : at + 1
  const question = text.indexOf('?', hostStart)
  const end = question < 0 ? text.length : question
  const hostStop = hostEnd(text, hostStart)
  const hasPort = text[hostStop] === ':'
  const paramsStart = hasPort ? digitsEnd(text, hostStop + 1) : hostStop
  const port = hasPort ? numberIn(text, hostStop + 1, paramsStart, 5) : undefined
  if (hostStop === hostStart || port === -1 || (port ?? 0) > MAX_PORT) return undefined
  const params = parseParams(text, paramsStart, end)
  return (
    params && {
      scheme,
      user,
      host: text.slice(hostStart, hostStop).toLowerCase(),
      port,
      params,
      headers: question < 0 ? '' : text.slice(question + 1),
    }
  )
}

function digitsEnd(text: string, at: number): number {
  let end = at
  while (text.charCodeAt(end) >= 0x30 && text.charCodeAt(end) <= 0x39) end++
  return end
}

/** RFC 3966 for tel: the number stands where a user part would. */
function opaqueParts(scheme: string, text: string): UriParts | undefined {
  const rest = text.slice(scheme.length + 1)
  const semicolon = rest.indexOf(';')
  const user = scheme === 'tel' ? decodeUser(semicolon < 0 ? rest : rest.slice(0, semicolon)) : ''
  if (user === undefined) return undefined
  return { scheme, user, host: '', port: undefined, params: NO_PARAMS, headers: '' }
}

/** Decoded user part, a password left out. */
function decodeUser(userInfo: string): string | undefined {
  const colon = userInfo.indexOf(':')
  const user = colon < 0 ? userInfo : userInfo.slice(0, colon)
  if (!user.includes('%')) return user
  if (/%(?![\da-f]{2})/i.test(user)) return undefined
  // RFC 3261 25.1: an escape is an octet, not always a part of a UTF-8 letter.
  return user.replace(/(?:%[\da-f]{2})+/gi, (escapes) => textOf(Buffer.from(escapes.replaceAll('%', ''), 'hex')))
}
