/** RFC 3261 8.1.3.4: a 3xx names other addresses; each is tried once, in their order, within one call. */
import { splitList } from '../sip/message/list.js'
import type { SipResponse } from '../sip/types.js'
import { parseNameAddr } from '../sip/uri/name-addr.js'

/** INVITEs after the first one. More is a loop, or somebody who wants us to ring many. */
const MAX_REDIRECTS = 5
/** Contacts of one response that are looked at. */
const MAX_CONTACTS = 10

/** 300, 301 and 302 say where else; 305 and 380 mean something else (21.3.4, 21.3.5). */
export const isRedirection = (status: number): boolean => status >= 300 && status <= 302

/** The URIs of a redirection, the most wanted first (20.10: q, 1 where there is none). */
export function contactsOf(response: Pick<SipResponse, 'headers'>): string[] {
  return response
    .headers('Contact')
    .flatMap(splitList)
    .slice(0, MAX_CONTACTS)
    .flatMap((value) => {
      const contact = parseNameAddr(value)
      return contact ? [{ uri: contact.sipUri.text, q: qualityOf(contact.params.get('q')) }] : []
    })
    .sort((a, b) => b.q - a.q)
    .map(({ uri }) => uri)
}

export class Redirections {
  readonly #tried: Set<string>
  #waiting: string[] = []
  #hops = 0

  constructor(firstUri: string) {
    this.#tried = new Set([comparable(firstUri)])
  }

  /** Newer targets come before the rest of the older ones. */
  add(uris: readonly string[]): void {
    this.#waiting.unshift(...uris)
  }

  /** The next target that was not tried yet; undefined where there is none, or too many were. */
  next(): string | undefined {
    while (this.#hops < MAX_REDIRECTS) {
      const uri = this.#waiting.shift()
      if (uri === undefined) return undefined
      const key = comparable(uri)
      if (this.#tried.has(key)) continue
      this.#tried.add(key)
      this.#hops++
      return uri
    }
    return undefined
  }
}

/** RFC 3261 19.1.4 in short: scheme and host without regard to case, what differs otherwise is another URI. */
const comparable = (uri: string): string => {
  const at = uri.lastIndexOf('@') + 1
  return uri.slice(0, at).replace(/^[a-z]+:/i, (scheme) => scheme.toLowerCase()) + uri.slice(at).toLowerCase()
}

const qualityOf = (q: string | null | undefined): number => {
  const value = q === undefined || q === null || q === '' ? 1 : Number(q)
  return value >= 0 && value <= 1 ? value : 0
}
