import { textOf } from '../../base/octets.js'
import { hostEnd, lowerCase, numberIn, schemeEnd } from './characters.js'
import { NO_PARAMS, type Params, parseParams } from './params.js'

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

  constructor(
    text: string,
    scheme: string,
    user: string,
    host = '',
    port: number | undefined = undefined,
    params = NO_PARAMS,
    headers = '',
  ) {
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

/** RFC 3261 19.1.2, 18.2.2: of a URI or Via without a port, over UDP and TCP. */
export const DEFAULT_PORT = 5060

const MAX_PORT = 65_535

/** Undefined where the text is not a URI. Unknown schemes are taken whole. */
export function parseUri(text: string): SipUri | undefined {
  const isSip = text.startsWith('sip:')
  const colon = isSip ? 3 : schemeEnd(text)
  if (colon < 0 || colon + 1 === text.length) return undefined
  const marks = marksOf(text, colon + 1)
  if (!marks) return undefined
  const scheme = isSip ? 'sip' : text.slice(0, colon).toLowerCase()
  return scheme === 'sip' || scheme === 'sips' ? sipUri(text, scheme, marks) : opaqueUri(text, scheme, marks)
}

/** Kinds of characters that mean something in a URI. */
const FORBIDDEN = 1
const AT = 2
const QUESTION = 3
const COLON = 4
const PERCENT = 5
/**
 * White space, controls, line separators and delimiters must not be in a URI; letters beyond ASCII are tolerated in
 * user parts.
 */
const KINDS = new Uint8Array(0xa0).fill(FORBIDDEN, 0, 0x21).fill(FORBIDDEN, 0x7f)
for (const [kind, characters] of ['', '<>"', '@', '?', ':', '%'].entries()) {
  for (const character of characters) KINDS[character.charCodeAt(0)] = kind
}

function kindOf(code: number): number {
  if (code < KINDS.length) return KINDS[code] ?? 0
  return code === 0x2028 || code === 0x2029 ? FORBIDDEN : 0
}

/** Indexes, -1 without one. */
class Marks {
  at = -1
  secondAt = -1
  /** The first one after the last `@`. */
  question = -1
  colon = -1
  percent = -1

  note(kind: number, index: number): void {
    if (kind === QUESTION) {
      if (this.question < 0) this.question = index
    } else if (kind === COLON) {
      if (this.colon < 0) this.colon = index
    } else if (kind === PERCENT) {
      if (this.percent < 0) this.percent = index
    } else if (kind === AT) {
      this.question = -1
      if (this.at < 0) this.at = index
      else this.secondAt = index
    }
  }
}

/** All characters are looked at once; undefined: one of them must not be in a URI. */
function marksOf(text: string, start: number): Marks | undefined {
  const marks = new Marks()
  for (let index = start; index < text.length; index++) {
    const kind = kindOf(text.charCodeAt(index))
    if (kind === FORBIDDEN) return undefined
    if (kind !== 0) marks.note(kind, index)
  }
  return marks
}

function sipUri(text: string, scheme: string, marks: Marks): SipUri | undefined {
  const { at, question } = marks
  const userStart = scheme.length + 1
  const user = at < 0 ? '' : userIn(text, userStart, at, marks)
  if (user === undefined || marks.secondAt >= 0) return undefined

  const hostStart = at < 0 ? userStart : at + 1
  const hostStop = hostEnd(text, hostStart)
  const hasPort = text[hostStop] === ':'
  const paramsStart = hasPort ? digitsEnd(text, hostStop + 1) : hostStop
  const port = hasPort ? numberIn(text, hostStop + 1, paramsStart, 5) : undefined
  if (hostStop === hostStart || port === -1 || (port ?? 0) > MAX_PORT) return undefined
  const params = parseParams(text, paramsStart, question < 0 ? text.length : question)
  if (!params) return undefined
  const host = lowerCase(text.slice(hostStart, hostStop))
  const headers = question < 0 ? '' : text.slice(question + 1)
  return new SipUri(text, scheme, user, host, port, params, headers)
}

function digitsEnd(text: string, at: number): number {
  let end = at
  while (text.charCodeAt(end) >= 0x30 && text.charCodeAt(end) <= 0x39) end++
  return end
}

/** RFC 3966 for tel: the number stands where a user part would. */
function opaqueUri(text: string, scheme: string, marks: Marks): SipUri | undefined {
  if (scheme !== 'tel') return new SipUri(text, scheme, '')
  const semicolon = text.indexOf(';')
  const user = userIn(text, scheme.length + 1, semicolon < 0 ? text.length : semicolon, marks)
  return user === undefined ? undefined : new SipUri(text, scheme, user)
}

/** Decoded user part, a password left out. */
function userIn(text: string, start: number, end: number, { colon, percent }: Marks): string | undefined {
  const user = text.slice(start, colon >= 0 && colon < end ? colon : end)
  if (percent < 0 || percent > end || !user.includes('%')) return user
  if (/%(?![\da-f]{2})/i.test(user)) return undefined
  // RFC 3261 25.1: an escape is an octet, not always a part of a UTF-8 letter.
  return user.replace(/(?:%[\da-f]{2})+/gi, (escapes) => textOf(Buffer.from(escapes.replaceAll('%', ''), 'hex')))
}
