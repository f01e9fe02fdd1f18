import type { AccountSources } from '../types.js'
import { AddressSet } from './address-set.js'

/**
 * `known`: a peer of an account, for which no limits hold. `unknown`: an account takes requests from anyone. Others are strangers
 * to every account; they get 403 (`refused`) or nothing (`silent`).
 */
export type Standing = 'known' | 'unknown' | 'refused' | 'silent'

interface Entry {
  sources: AccountSources
  known: AddressSet
}

/** What the accounts of one endpoint say about sources, merged: a request asks once, however many accounts there are. */
export class SourceIndex<Account> {
  readonly #entries = new Map<Account, Entry>()
  readonly #known = new AddressSet()
  #forAnyone = 0
  #silent = 0

  /** Adds an account, or replaces what it said. */
  set(account: Account, sources: AccountSources): void {
    this.remove(account)
    const known = new AddressSet()
    for (const source of sources.known) {
      known.add(source)
      this.#known.add(source)
    }
    this.#entries.set(account, { sources, known })
    this.#count(sources, 1)
  }

  remove(account: Account): void {
    const entry = this.#entries.get(account)
    if (!entry) return
    this.#entries.delete(account)
    for (const source of entry.sources.known) this.#known.delete(source)
    this.#count(entry.sources, -1)
  }

  standing(host: string): Standing {
    if (this.#known.has(host)) return 'known'
    // An endpoint without accounts has no secrets.
    if (this.#forAnyone > 0 || this.#entries.size === 0) return 'unknown'
    // One answer would tell a scanner what an account that is silent wants to hide.
    return this.#silent > 0 ? 'silent' : 'refused'
  }

  /** Whether this account takes requests from there. To other sources it does not exist. */
  hears(account: Account, host: string): boolean {
    const entry = this.#entries.get(account)
    return entry !== undefined && (entry.sources.anyone || entry.known.has(host))
  }

  #count({ anyone, strangers }: AccountSources, by: 1 | -1): void {
    if (anyone) this.#forAnyone += by
    else if (strangers === 'silence') this.#silent += by
  }
}
