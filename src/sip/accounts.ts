import type { AccountUserAgent } from './account-user-agent.js'
import { SourceIndex, type Standing } from './admission/source-index.js'
import type { ParsedRequest } from './message/parsed-message.js'
import type { Service } from './service.js'
import type { AccountSources } from './types.js'
import { parseUri, type SipUri } from './uri/sip-uri.js'

interface Entry {
  agent: AccountUserAgent
  aorUser: string
  aorHost: string
}

const ALL_KNOWN: AccountSources = { known: ['0.0.0.0/0', '::/0'], anyone: true, strangers: 'silence' }

/** The accounts of one endpoint, found by the user part of a Request-URI: by index, not by scan. */
export class Accounts implements Service {
  readonly #byContact = new Map<string, Entry>()
  readonly #byAorUser = new Map<string, Entry[]>()
  /** Accounts that take the requests for unknown users. */
  readonly #forAnyUser = new Set<AccountUserAgent>()
  readonly #sources = new SourceIndex<AccountUserAgent>()

  standing(host: string): Standing {
    return this.#sources.standing(host)
  }

  find({ target, source }: ParsedRequest): AccountUserAgent | 'hidden' | undefined {
    const account = this.#at(target)
    return !account || this.#sources.hears(account, source.host) ? account : 'hidden'
  }

  /** False if another account has the Contact user. */
  add(agent: AccountUserAgent): boolean {
    const { aor, contactUser } = agent.init
    if (this.#byContact.has(contactUser)) return false
    const parts = parseUri(aor)
    const entry = { agent, aorUser: parts?.user ?? '', aorHost: parts?.host ?? '' }
    this.#byContact.set(contactUser, entry)
    this.#byAorUser.set(entry.aorUser, [...(this.#byAorUser.get(entry.aorUser) ?? []), entry])
    if (agent.init.anyUser) this.#forAnyUser.add(agent)
    this.#sources.set(agent, agent.init.sources ?? ALL_KNOWN)
    return true
  }

  setSources(agent: AccountUserAgent, sources: AccountSources): void {
    if (this.#byContact.get(agent.init.contactUser)?.agent === agent) this.#sources.set(agent, sources)
  }

  remove(agent: AccountUserAgent): void {
    const entry = this.#byContact.get(agent.init.contactUser)
    if (entry?.agent !== agent) return
    this.#byContact.delete(agent.init.contactUser)
    this.#forAnyUser.delete(agent)
    this.#sources.remove(agent)
    const left = (this.#byAorUser.get(entry.aorUser) ?? []).filter((other) => other !== entry)
    if (left.length > 0) this.#byAorUser.set(entry.aorUser, left)
    else this.#byAorUser.delete(entry.aorUser)
  }

  *all(): IterableIterator<AccountUserAgent> {
    for (const entry of this.#byContact.values()) yield entry.agent
  }

  /**
   * Contact user first: registrars and peers know it from us. Then the user of an AOR, preferably with the host of the Request-URI.
   * An account does not get a request just because it is the only account: a wrong number gets 404, unless an account takes any user.
   */
  #at({ user, host }: SipUri): AccountUserAgent | undefined {
    const [forAnyUser] = this.#forAnyUser
    if (user === '') return forAnyUser
    const byContact = this.#byContact.get(user)
    if (byContact) return byContact.agent
    const byAor = this.#byAorUser.get(user)
    return (byAor?.find((entry) => entry.aorHost === host) ?? byAor?.[0])?.agent ?? forAnyUser
  }
}
