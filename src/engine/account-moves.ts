import { isIPv6 } from 'node:net'
import { within } from '../base/deadline.js'
import { TelephonyError } from '../base/errors.js'
import { firstDestination } from './account-config.js'
import type { AccountEntry, EngineAccountsDeps } from './account-entry.js'
import { Endpoints } from './endpoints.js'
import type { AccountConfig } from './protocol.js'
import { Surroundings } from './surroundings.js'

/** How long the calls of a moved account wait for its registration. */
const REGISTER_WAIT_MS = 3_000
/** Keeps an account whose peer answers in neither IP version from moving back and forth. */
const STAY_MS = 30_000

interface AccountMovesDeps
  extends Pick<EngineAccountsDeps, 'clock' | 'log' | 'localAddress' | 'addresses' | 'hangUpAll' | 'follow'> {
  entries: ReadonlyMap<string, AccountEntry>
  /** Changes of one account happen one after the other. */
  inTurn: (accountId: string, change: () => Promise<void>) => Promise<void>
  placeAt: (address: string, entry: AccountEntry, config: AccountConfig) => Promise<unknown>
  retryLater: (config: AccountConfig, error: TelephonyError) => void
}

/** Moves accounts without a fixed bind address to the local address that reaches their peers. Their calls follow. */
export class AccountMoves {
  readonly #deps: AccountMovesDeps
  readonly #movedAtMs = new Map<string, number>()
  #surroundings: Surroundings | undefined

  constructor(deps: AccountMovesDeps) {
    this.#deps = deps
  }

  /** Watches the network while there are accounts. */
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
   * For a machine that started without a network or got another address: moves the account to the local address from which its
   * registrar can be reached. `silent`: the peer did not answer, so the other IP version is tried.
   */
  async reconsiderAddress(accountId: string, silent: boolean): Promise<void> {
    const { entries, inTurn, log } = this.#deps
    if (entries.get(accountId)?.config.transport.bindAddress.trim() !== '') return
    await inTurn(accountId, () => this.#reconsiderAddress(accountId, silent)).catch((error: unknown) =>
      log.error({ accountId, err: error }, 'the account could not move'),
    )
    void this.#follow(accountId)
  }

  async #reconsiderAddress(accountId: string, silent: boolean): Promise<void> {
    const { clock, log, entries, localAddress, addresses, hangUpAll, placeAt, retryLater } = this.#deps
    const entry = entries.get(accountId)
    if (!entry) return
    const { config, lease, account } = entry
    const { host } = lease.endpoint.local
    const stays = clock.now() < (this.#movedAtMs.get(accountId) ?? Number.NEGATIVE_INFINITY) + STAY_MS
    const address = await localAddress({
      ...firstDestination(config, account.peers),
      ...(silent && !stays ? { avoid: host } : {}),
    })
    const isOtherFamily = isIPv6(address) !== isIPv6(host)
    // No route at all: keep the old address until a network returns.
    if (isLoopback(address) && !isLoopback(host)) return
    if (Endpoints.keyOf(config.transport, address) === lease.key || (stays && isOtherFamily)) return
    log.info({ accountId, address }, 'the account moves to another local address')
    this.#movedAtMs.set(accountId, clock.now())
    const isGone = !addresses().includes(host)
    await placeAt(address, entry, config).catch((thrown) => {
      retryLater(config, TelephonyError.from(thrown))
      const reason = 'the local address of the call is gone, and the account has no other one yet'
      if (isGone) void hangUpAll(accountId, { failed: true, reason })
      throw thrown
    })
  }

  /** The network was lost, has returned or has changed. */
  #moved(addresses: readonly string[]): void {
    for (const [accountId, { account, lease }] of this.#deps.entries) {
      void lease.publicAddress?.ask()
      const isGone = !addresses.includes(lease.endpoint.local.host)
      if (isGone || account.registrationState.state !== 'registered') void this.#reconnect(accountId, isGone)
      else void this.#follow(accountId)
    }
  }

  async #reconnect(accountId: string, isGone: boolean): Promise<void> {
    const { entries } = this.#deps
    const before = entries.get(accountId)
    await this.reconsiderAddress(accountId, false)
    const entry = entries.get(accountId)
    if (!entry || entry !== before) return
    const { registrationState: state } = entry.account
    const isCutOff = state.state === 'failed' && isLocalFailure(state.status)
    // The account has not moved: register now instead of after a long wait or when the useless binding expires.
    if (isCutOff || (isGone && state.state === 'registered')) entry.account.register()
  }

  /**
   * The calls of an account follow it to its new address. The account registers first: servers expect requests from registered
   * addresses, and credentials need a known realm.
   */
  async #follow(accountId: string): Promise<void> {
    const { clock, entries, addresses, follow } = this.#deps
    const entry = entries.get(accountId)
    if (!entry) return
    await within(REGISTER_WAIT_MS, entry.registrarAnswered, clock)
    const now = addresses()
    if (entries.get(accountId) !== entry || !now.includes(entry.lease.endpoint.local.host)) return
    follow(entry, (host) => !now.includes(host))
  }
}

const isLoopback = (address: string): boolean => address === '::1' || address.startsWith('127.')

/** 408 and 503 come from our own SIP layer, or from an overloaded registrar: the other IP version may work. */
export const isLocalFailure = (status: number): boolean => status === 408 || status === 503
