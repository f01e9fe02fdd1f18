import { NameAddrHeader } from 'sip.js/lib/grammar/name-addr-header.js'
import { type Params, parseParams, unquote } from './params.js'
import { parseUri, type SipUri } from './sip-uri.js'

/** From, To, Contact, Route …: `"Alice" <sip:alice@example.com>;tag=x`. Immutable, prints as it was written. */
export class SipNameAddr extends NameAddrHeader {
  readonly text: string
  readonly sipUri: SipUri
  readonly params: Params

  constructor(text: string, uri: SipUri, displayName: string, params: Params) {
    super(uri, displayName, {})
    this.text = text
    this.sipUri = uri
    this.params = params
  }

  get tag(): string | undefined {
    return this.params.get('tag') || undefined
  }

  override hasParam(name: string): boolean {
    return this.params.has(name.toLowerCase())
  }

  override getParam(name: string): string | null | undefined {
    const key = name.toLowerCase()
    return this.params.has(key) ? (this.params.get(key) ?? null) : undefined
  }

  override clone(): SipNameAddr {
    return this
  }

  override toString(): string {
    return this.text
  }
}

/**
 * Undefined where the text is malformed. A display name without quotes may hold anything but brackets (RFC 4475 3.1.2.15
 * allows either).
 */
export function parseNameAddr(text: string): SipNameAddr | undefined {
  if (text.startsWith('"')) return quotedName(text)
  // An addr-spec first: brackets in its quoted parameters are no name-addr.
  return addrSpec(text) ?? bracketed(text, text.indexOf('<'))
}

function quotedName(text: string): SipNameAddr | undefined {
  const end = closingQuote(text)
  const open = text.indexOf('<', end)
  if (end < 0 || text.slice(end, open).trim() !== '') return undefined
  return afterName(text, open, unquote(text.slice(0, end)))
}

function bracketed(text: string, open: number): SipNameAddr | undefined {
  const displayName = text.slice(0, Math.max(0, open)).trim()
  return displayName.includes('>') ? undefined : afterName(text, open, displayName)
}

function afterName(text: string, open: number, displayName: string): SipNameAddr | undefined {
  const close = text.indexOf('>', open)
  if (open < 0 || close < 0) return undefined
  const uri = parseUri(text.slice(open + 1, close).trim())
  const params = parseParams(text.slice(close + 1).trim())
  return uri && params ? new SipNameAddr(text, uri, displayName, params) : undefined
}

/**
 * RFC 3261 20.10: without angle brackets all parameters belong to the header, and the URI may hold no comma, `?` or
 * semicolon.
 */
function addrSpec(text: string): SipNameAddr | undefined {
  const semicolon = text.indexOf(';')
  const uriText = (semicolon < 0 ? text : text.slice(0, semicolon)).trim()
  if (/[,?]/.test(uriText)) return undefined
  const uri = parseUri(uriText)
  const params = semicolon < 0 ? parseParams('') : parseParams(text.slice(semicolon))
  return uri && params && ![...params.values()].some(hasBareBracket)
    ? new SipNameAddr(text, uri, '', params)
    : undefined
}

/** A bracket outside quotes: some reader would take it for that of a name-addr. */
const hasBareBracket = (value = ''): boolean => /[<>]/.test(value) && !/^"(?:[^"\\]|\\.)*"$/s.test(value)

/** Index after the quote that closes the one at 0, or -1. */
function closingQuote(text: string): number {
  for (let i = 1; i < text.length; i++) {
    if (text[i] === '\\') i++
    else if (text[i] === '"') return i + 1
  }
  return -1
}

/** A display name as quoted-string content, for sip.js, which puts the quotes around it. */
export const escapeDisplayName = (name: string): string => name.replace(/[\\"]/g, '\\$&')
