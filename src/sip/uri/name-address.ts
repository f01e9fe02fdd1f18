import { skipBlanks, trimmed } from './characters.js'
import { NO_PARAMS, type Params, parseParams, unquote } from './params.js'
import { parseUri, type SipUri } from './sip-uri.js'

/** From, To, Contact, Route …: `"Alice" <sip:alice@example.com>;tag=x`. Immutable, prints as it was written. */
export class NameAddress {
  readonly text: string
  readonly uri: SipUri
  readonly displayName: string
  readonly params: Params

  constructor(text: string, uri: SipUri, displayName: string, params: Params) {
    this.text = text
    this.uri = uri
    this.displayName = displayName
    this.params = params
  }

  /** '' where there is none. */
  get tag(): string {
    return this.params.get('tag') ?? ''
  }

  toString(): string {
    return this.text
  }
}

/**
 * Undefined where the text is malformed. A display name without quotes may hold anything but brackets (RFC 4475 3.1.2.15
 * allows either).
 */
export function parseNameAddress(text: string): NameAddress | undefined {
  if (text.startsWith('"')) return quotedName(text)
  if (text.startsWith('<')) return afterName(text, 0, '')
  // An addr-spec first: brackets in its quoted parameters are not those of a name-addr.
  return addrSpec(text) ?? bracketed(text, text.indexOf('<'))
}

function quotedName(text: string): NameAddress | undefined {
  const end = closingQuote(text)
  const open = end < 0 ? -1 : skipBlanks(text, end)
  return text[open] === '<' ? afterName(text, open, unquote(text.slice(0, end))) : undefined
}

function bracketed(text: string, open: number): NameAddress | undefined {
  if (open < 0) return undefined
  const displayName = trimmed(text, 0, open)
  return displayName.includes('>') ? undefined : afterName(text, open, displayName)
}

function afterName(text: string, open: number, displayName: string): NameAddress | undefined {
  const close = text.indexOf('>', open)
  if (close < 0) return undefined
  const uri = parseUri(trimmed(text, open + 1, close))
  const params = uri && parseParams(text, skipBlanks(text, close + 1))
  return params && new NameAddress(text, uri, displayName, params)
}

/**
 * RFC 3261 20.10: without angle brackets all parameters belong to the header, and the URI may hold no comma, `?` or
 * semicolon.
 */
function addrSpec(text: string): NameAddress | undefined {
  const semicolon = text.indexOf(';')
  const uriText = trimmed(text, 0, semicolon < 0 ? text.length : semicolon)
  const uri = uriText.includes(',') || uriText.includes('?') ? undefined : parseUri(uriText)
  if (!uri) return undefined
  const params = semicolon < 0 ? NO_PARAMS : parseParams(text, semicolon)
  if (!params) return undefined
  for (const [, value] of params) if (hasBareBracket(value)) return undefined
  return new NameAddress(text, uri, '', params)
}

/** A bracket outside quotes: some reader would take it for that of a name-addr. */
const hasBareBracket = (value = ''): boolean => /[<>]/.test(value) && !/^"(?:[^"\\]|\\.)*"$/s.test(value)

/** Index after the quote that closes the one at 0, or -1. */
function closingQuote(text: string): number {
  for (let at = 1; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === BACKSLASH) at++
    else if (code === QUOTE) return at + 1
  }
  return -1
}

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** A display name as quoted-string content, without the quotes around it. */
export const escapeDisplayName = (name: string): string => name.replace(/[\\"]/g, '\\$&')
