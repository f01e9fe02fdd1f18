import { TelephonyError } from '../../base/errors.js'
import type { UserAgentInit } from '../types.js'
import { type NameAddress, parseNameAddress } from '../uri/name-address.js'
import { DEFAULT_PORT, parseUri, type SipUri } from '../uri/sip-uri.js'

/** The pre-existing route sets of one account, for its requests outside of dialogs (RFC 3261 8.1.2). */
export class Routes {
  readonly #own: readonly NameAddress[]
  /** Of requests to the own domain, whose name need not be the name of a host. */
  readonly #home: { authority: string; routes: readonly NameAddress[] } | undefined
  #service: readonly NameAddress[] = []

  /** Throws BAD_CONFIG. */
  constructor({ routeSet, home }: Pick<UserAgentInit, 'routeSet' | 'home'>) {
    this.#own = routeSet.map(checkedRoute)
    if (home) {
      const uri = parseUri(`sip:${home.domain}`)
      this.#home = { authority: uri ? authorityOf(uri) : '', routes: home.routeSet.map(checkedRoute) }
    }
  }

  /** RFC 3608 5: the Service-Route follows our own proxies. The last of these may be its first hop. */
  set serviceRoute(texts: readonly string[]) {
    const routes = texts.map(checkedRoute)
    const [first, ...others] = routes
    const last = this.#own.at(-1)
    const isSame = first && last && authorityOf(first.uri) === authorityOf(last.uri)
    this.#service = isSame ? others : routes
  }

  to(target: SipUri): readonly NameAddress[] {
    return this.#service.length > 0 ? [...this.#own, ...this.#service] : this.toRegistrar(target)
  }

  /** RFC 3608 6.1: a REGISTER does not take the Service-Route. */
  toRegistrar(target: SipUri): readonly NameAddress[] {
    return this.#home && authorityOf(target) === this.#home.authority ? this.#home.routes : this.#own
  }
}

const authorityOf = ({ host, port }: SipUri): string => `${host}:${port ?? DEFAULT_PORT}`

function checkedRoute(text: string): NameAddress {
  const route = parseNameAddress(text)
  if (route) return route
  throw new TelephonyError(
    'BAD_CONFIG',
    `${JSON.stringify(text)} is not a route. Use one like <sip:proxy.example.com;lr>`,
  )
}
