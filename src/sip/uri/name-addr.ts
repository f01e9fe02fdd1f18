import { NameAddrHeader } from 'sip.js/lib/grammar/name-addr-header.js'
import { type Params, parseParams } from './params.js'
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
 * Undefined where the text is malformed. A display name without quotes may hold anything but `<` (RFC 4475 3.1.2.15
 * allows either).
 */
export function parseNameAddr(text: string): SipNameAddr | undefined {
  const quoteEnd = text.startsWith('"') ? closingQuote(text) : 0
  if (quoteEnd < 0) return undefined
  const open = text.indexOf('<', quoteEnd)
  return open < 0 ? addrSpec(text) : bracketed(text, quoteEnd, open)
}

function bracketed(text: string, quoteEnd: number, open: number): SipNameAddr | undefined {
  const close = text.indexOf('>', open)
  if (close < 0 || (quoteEnd > 0 && text.slice(quoteEnd, open).trim() !== '')) return undefined
  const quoted = quoteEnd > 0
  const displayName = quoted ? unquote(text.slice(1, quoteEnd - 1)) : text.slice(0, open).trim()
  if (!quoted && displayName.includes('>')) return undefined
  const uri = parseUri(text.slice(open + 1, close).trim())
  const params = parseParams(text.slice(close + 1).trim())
  return uri && params ? new SipNameAddr(text, uri, displayName, params) : undefined
}

/**
 * RFC 3261 20: without angle brackets all parameters belong to the header, and the URI may hold no comma, `?` or
 * semicolon.
 */
function addrSpec(text: string): SipNameAddr | undefined {
  const semicolon = text.indexOf(';')
  const uriText = (semicolon < 0 ? text : text.slice(0, semicolon)).trim()
  if (/[,?]/.test(uriText)) return undefined
  const uri = parseUri(uriText)
  const params = semicolon < 0 ? parseParams('') : parseParams(text.slice(semicolon))
  return uri && params ? new SipNameAddr(text, uri, '', params) : undefined
}

/** Index after the quote that closes the one at 0, or -1. */
function closingQuote(text: string): number {
  for (let i = 1; i < text.length; i++) {
    if (text[i] === '\\') i++
    else if (text[i] === '"') return i + 1
  }
  return -1
}

const unquote = (quoted: string): string => (quoted.includes('\\') ? quoted.replace(/\\([\s\S])/g, '$1') : quoted)

/** A display name as quoted-string content, for sip.js, which puts the quotes around it. */
export const escapeDisplayName = (name: string): string => name.replace(/[\\"]/g, '\\$&')
