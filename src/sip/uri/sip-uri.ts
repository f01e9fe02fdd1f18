import { URI } from 'sip.js/lib/grammar/uri.js'
import { textOf } from '../../base/octets.js'
import { NO_PARAMS, type Params, parseParams } from './params.js'

/** RFC 3261 19.1.1 in parts. `host` is '' for schemes that have none (tel, urn …). */
interface UriParts {
  scheme: string
  /** Decoded; '' where there is none. */
  user: string
  host: string
  port: number | undefined
  params: Params
  /** What follows `?`. */
  headers: string
}

/**
 * A URI that stays as it was written. sip.js' own class decodes and encodes again on every print and thereby changes
 * `user;param`, throws on `%25` and knows only sip and sips; this one is immutable and prints its text.
 */
export class SipUri extends URI {
  readonly text: string
  readonly parts: UriParts

  constructor(text: string, parts: UriParts) {
    super(parts.scheme, parts.user, parts.host || 'invalid', parts.port)
    this.text = text
    this.parts = parts
  }

  /** RFC 3261 16.12: without `lr` the hop is a strict router. */
  get isLoose(): boolean {
    return this.parts.params.has('lr')
  }

  override clone(): SipUri {
    return this
  }

  override toRaw(): string {
    return this.text
  }

  override toString(): string {
    return this.text
  }
}

/**
 * White space, controls, line separators and delimiters that no URI may hold; non-ASCII letters are tolerated in user
 * parts.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is its purpose
const FORBIDDEN = /[\u0000-\u0020\u007f-\u009f\u2028\u2029<>"]/
const SCHEME = /^([a-z][a-z0-9+.-]{0,31}):/i
const HOST_PORT = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?$/i

/** Undefined where the text is no URI. Unknown schemes are taken whole. */
export function parseUri(text: string): SipUri | undefined {
  const scheme = SCHEME.exec(text)?.[1]?.toLowerCase()
  if (scheme === undefined || FORBIDDEN.test(text)) return undefined
  const rest = text.slice(scheme.length + 1)
  if (rest === '') return undefined
  const parts = scheme === 'sip' || scheme === 'sips' ? sipParts(scheme, rest) : opaqueParts(scheme, rest)
  return parts && new SipUri(text, parts)
}

function sipParts(scheme: string, rest: string): UriParts | undefined {
  const at = rest.indexOf('@')
  if (at >= 0 && rest.includes('@', at + 1)) return undefined
  const user = decodeUser(at < 0 ? '' : rest.slice(0, at))
  if (user === undefined) return undefined

  const afterUser = rest.slice(at + 1)
  const question = afterUser.indexOf('?')
  const beforeHeaders = question < 0 ? afterUser : afterUser.slice(0, question)
  const semicolon = beforeHeaders.indexOf(';')
  const hostPort = HOST_PORT.exec(semicolon < 0 ? beforeHeaders : beforeHeaders.slice(0, semicolon))
  const params = semicolon < 0 ? NO_PARAMS : parseParams(beforeHeaders.slice(semicolon))
  const port = hostPort?.[2] === undefined ? undefined : Number(hostPort[2])
  if (!hostPort?.[1] || !params || (port ?? 0) > 65535) return undefined
  return {
    scheme,
    user,
    host: hostPort[1].toLowerCase(),
    port,
    params,
    headers: question < 0 ? '' : afterUser.slice(question + 1),
  }
}

/** RFC 3966 for tel: the number stands where a user part would. */
function opaqueParts(scheme: string, rest: string): UriParts | undefined {
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
