import { readable } from '../base/octets.js'
import { RecentMap } from '../base/recent-map.js'
import { RecentSet } from '../base/recent-set.js'
import type { Authenticator, Challenge } from '../sip/types.js'

type Request = Parameters<Authenticator['answer']>[1]

export interface RealmGuardInit {
  /** The only realm that gets an answer. '': the realms of our registrar and proxies. */
  realm: string
  /** Every request goes through our proxy. */
  viaProxy: boolean
  /** Host name or address of our domain, registrar or proxies. */
  isOurs: (host: string) => boolean
}

const MAX_REALMS = 64
const MAX_SOURCES_OF_REALM = 64
/** Methods that exist only within a dialog. */
const IN_DIALOG_METHODS = new Set(['BYE', 'INFO', 'UPDATE', 'PRACK', 'REFER', 'NOTIFY'])

/**
 * Decides which challenges get an answer. Digest credentials allow offline guessing of the password. So these peers must not get an
 * answer: a called party that challenges our BYE with the registrar's realm, the target of a redirection, a foreign server.
 */
export class RealmGuard {
  readonly #init: RealmGuardInit
  /** Realms of challenges that only our registrar or proxies could send, with the source addresses of the challenges. */
  readonly #sources = new RecentMap<string, RecentSet<string>>(MAX_REALMS)
  /** Set by a challenge of a REGISTER, which only our registrar receives. From then on realms of other user agents are not trusted. */
  #registrarKnown = false

  constructor(init: RealmGuardInit) {
    this.#init = init
  }

  /** Also learns: a trusted realm is later trusted within dialogs too, from the same address. */
  trusts(challenge: Challenge, request: Request): boolean {
    const { realm } = this.#init
    if (realm !== '') return readable(challenge.realm) === realm
    const source = request.source ?? ''
    const known = this.#sources.get(challenge.realm)
    if (known?.has(source)) return true
    if (request.inDialog ?? IN_DIALOG_METHODS.has(request.method)) return false
    if (!this.#isOurs(challenge, request, known !== undefined)) return false
    this.#learn(challenge, request.method, source)
    return true
  }

  #isOurs(challenge: Challenge, { method, uri, source = '' }: Request, isKnown: boolean): boolean {
    if (method === 'REGISTER') return true
    const { viaProxy, isOurs } = this.#init
    const isHome = viaProxy || isOurs(uri.host) || isOurs(source)
    // RFC 3261 22.3: a proxy sends 407. The called party may have sent a 401, unless its realm is the registrar's.
    return isHome && (isKnown || challenge.status === 407 || !this.#registrarKnown)
  }

  #learn({ realm, status }: Challenge, method: string, source: string): void {
    if (method === 'REGISTER' && status === 401) this.#registrarKnown = true
    const sources = this.#sources.get(realm) ?? new RecentSet(MAX_SOURCES_OF_REALM)
    sources.add(source)
    this.#sources.set(realm, sources)
  }
}
