/** RFC 3261 8.1.3.4: a 3xx names other addresses; each is tried once, in their order, within one call. */
import { splitList } from '../sip/message/list.js'
import type { SipResponse } from '../sip/types.js'
import { parseNameAddress } from '../sip/uri/name-address.js'

/** INVITEs after the first one. More would be a loop, or an attack that makes us call many targets. */
const MAX_REDIRECTS = 5
/** Limit of the contacts that are read from one response. */
const MAX_CONTACTS = 10

/**
 * 300, 301 and 302 name other addresses. 305 names a proxy and 380 a service (RFC 3261 21.3.4, 21.3.5): a peer must not choose our
 * proxies, so they end the call, and its end tells their addresses.
 */
export const isRedirection = (status: number): boolean => status >= 300 && status <= 302

/**
 * The URIs of a redirection, sorted by q (RFC 3261 20.10; 1 if it is missing), without those that have expired. Headers and a method
 * in a URI would make the peer the author of our request (RFC 3261 19.1.5), so they are dropped.
 */
export function contactsOf(response: Pick<SipResponse, 'headers'>): string[] {
  return response
    .headers('Contact')
    .flatMap(splitList)
    .slice(0, MAX_CONTACTS)
    .flatMap((value) => {
      const contact = parseNameAddress(value)
      return contact && contact.params.get('expires') !== '0'
        ? [{ uri: plainUri(contact.uri.text), q: qualityOf(contact.params.get('q')) }]
        : []
    })
    .sort((a, b) => b.q - a.q)
    .map(({ uri }) => uri)
}

export class Redirections {
  readonly #tried: Set<string>
  #waiting: string[] = []
  #redirects = 0

  constructor(firstUri: string) {
    this.#tried = new Set([comparable(firstUri)])
  }

  /** New targets are tried before the remaining older ones. */
  add(uris: readonly string[]): void {
    this.#waiting.unshift(...uris)
  }

  /** The next untried target; undefined if none is left or the limit is reached. */
  next(): string | undefined {
    while (this.#redirects < MAX_REDIRECTS) {
      const uri = this.#waiting.shift()
      if (uri === undefined) return undefined
      const key = comparable(uri)
      if (this.#tried.has(key)) continue
      this.#tried.add(key)
      this.#redirects++
      return uri
    }
    return undefined
  }
}

/** RFC 3261 19.1.4, simplified: only scheme and host ignore case. */
const comparable = (uri: string): string => {
  const at = uri.lastIndexOf('@') + 1
  return uri.slice(0, at).replace(/^[a-z]+:/i, (scheme) => scheme.toLowerCase()) + uri.slice(at).toLowerCase()
}

const plainUri = (uri: string): string => uri.replace(/\?.*$/s, '').replace(/;method=[^;]*/gi, '')

const qualityOf = (q: string | null | undefined): number => {
  const value = q === undefined || q === null || q === '' ? 1 : Number(q)
  return value >= 0 && value <= 1 ? value : 0
}
