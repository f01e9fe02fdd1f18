import { isIPv6 } from 'node:net'
import { TelephonyError } from '../base/errors.js'
import { towards } from './account-config.js'
import type { AccountEntry, AccountsDeps } from './account-entry.js'
import { within } from './deadline.js'
import { Endpoints } from './endpoints.js'
import type { AccountConfig } from './protocol.js'
import { Surroundings } from './surroundings.js'

/** How long calls of an account that has moved wait for its registration. */
const ASKED_MS = 3_000
/** An account whose peer answers in neither family does not swing between them. */
const STAY_MS = 30_000

interface AccountMovesDeps
  extends Pick<AccountsDeps, 'clock' | 'log' | 'localAddress' | 'addresses' | 'hangUpAll' | 'follow'> {
  entries: ReadonlyMap<string, AccountEntry>
  /** Changes of one account happen one after the other. */
  inTurn: (accountId: string, change: () => Promise<void>) => Promise<void>
  placeAt: (address: string, entry: AccountEntry, config: AccountConfig) => Promise<unknown>
  retryLater: (config: AccountConfig, error: TelephonyError) => void
}

/** Where accounts are that are bound to no address: they go where their peers can be reached from, and their calls after them. */
export class AccountMoves {
  readonly #deps: AccountMovesDeps
  readonly #movedAtMs = new Map<string, number>()
  #surroundings: Surroundings | undefined

  constructor(deps: AccountMovesDeps) {
    this.#deps = deps
  }

  /** While there are accounts. */
  watch(): void {
    const { clock, addresses } = this.#deps
    this.#surroundings ??= new Surroundings({
      clock,
      addresses,
      moved: (now) => this.#moved(now),
      slept: () => {
        this.#deps.log.info({}, 'this machine slept, or its clock was set: registrations are refreshed')
        for (const { account } of this.#deps.entries.values()) {
          if (account.registrationState.state === 'registered') account.register()
        }
      },
    })
  }

  /** Idempotent. */
  stop(): void {
    this.#surroundings?.close()
    this.#surroundings = undefined
  }

  forget(accountId: string): void {
    this.#movedAtMs.delete(accountId)
  }

  /**
   * A machine that started without a network, or got another address: the account moves to where its registrar can be
   * reached from. `silent`: nobody answered, so that the other family may do better.
   */
  async lookAround(accountId: string, silent: boolean): Promise<void> {
    const { entries, inTurn, log } = this.#deps
    if (entries.get(accountId)?.config.transport.bindAddress.trim() !== '') return
    await inTurn(accountId, () => this.#lookAround(accountId, silent)).catch((error: unknown) =>
      log.error({ accountId, err: error }, 'the account could not move'),
    )
    void this.#follow(accountId)
  }

  async #lookAround(accountId: string, silent: boolean): Promise<void> {
    const { clock, log, entries, localAddress, addresses, hangUpAll, placeAt, retryLater } = this.#deps
    const entry = entries.get(accountId)
    if (!entry) return
    const { config, lease, account } = entry
    const { host } = lease.endpoint.local
    const stays = clock.now() < (this.#movedAtMs.get(accountId) ?? Number.NEGATIVE_INFINITY) + STAY_MS
    const address = await localAddress({
      ...towards(config, account.peers),
      ...(silent && !stays ? { avoid: host } : {}),
    })
    const isOtherFamily = isIPv6(address) !== isIPv6(host)
    // No way out at all: the address that was right will be again, or another one will come.
    if (isLoopback(address) && !isLoopback(host)) return
    if (Endpoints.keyOf(config.transport, address) === lease.key || (stays && isOtherFamily)) return
    log.info({ accountId, address }, 'the account moves to another local address')
    this.#movedAtMs.set(accountId, clock.now())
    const isGone = !addresses().includes(host)
    await placeAt(address, entry, config).catch((thrown) => {
      retryLater(config, TelephonyError.from(thrown))
      const reason = 'its local address is gone: the account has no other yet'
      if (isGone) void hangUpAll(accountId, { failed: true, reason })
      throw thrown
    })
  }

  /** The network is gone, has returned, or is another one. */
  #moved(addresses: readonly string[]): void {
    for (const [accountId, { account, lease }] of this.#deps.entries) {
      const isGone = !addresses.includes(lease.endpoint.local.host)
      if (isGone || account.registrationState.state !== 'registered') void this.#findBack(accountId, isGone)
      else void this.#follow(accountId)
    }
  }

  async #findBack(accountId: string, isGone: boolean): Promise<void> {
    const { entries } = this.#deps
    const before = entries.get(accountId)
    await this.lookAround(accountId, false)
    const entry = entries.get(accountId)
    if (!entry || entry !== before) return
    const { registrationState: state } = entry.account
    const isCutOff = state.state === 'failed' && isLocalFailure(state.status)
    // It has not moved: the registrar is asked now, not when a long wait is over, or a binding of no use runs out.
    if (isCutOff || (isGone && state.state === 'registered')) entry.account.register()
  }

  /**
   * Calls follow an account that has an address. The registrar hears of it first: servers like to know whom a request is from, and
   * credentials are for those who have shown their realm.
   */
  async #follow(accountId: string): Promise<void> {
    const { clock, entries, addresses, follow } = this.#deps
    const entry = entries.get(accountId)
    if (!entry) return
    await within(ASKED_MS, entry.asked, clock)
    const now = addresses()
    if (entries.get(accountId) !== entry || !now.includes(entry.lease.endpoint.local.host)) return
    follow(entry, (host) => !now.includes(host))
  }
}

const isLoopback = (address: string): boolean => address === '::1' || address.startsWith('127.')

/** 408 and 503 as the SIP layer makes them up, and what a registrar that is overloaded says: the other family may do better. */
export const isLocalFailure = (status: number): boolean => status === 408 || status === 503
