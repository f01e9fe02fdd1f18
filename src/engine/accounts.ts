import { isIPv6 } from 'node:net'
import { isDeepStrictEqual } from 'node:util'
import { Account, type AccountPeers } from '../account/account.js'
import type { Lookup } from '../account/policy.js'
import type { RegistrationState } from '../account/registration-state.js'
import type { Clock } from '../base/clock.js'
import { deferred } from '../base/deferred.js'
import { TelephonyError } from '../base/errors.js'
import type { HangupInit } from '../call/call.js'
import type { IncomingInvite } from '../sip/types.js'
import type { RootLogger } from '../trace/logger.js'
import { checkConfig, onTheWire, towards } from './account-config.js'
import { within } from './deadline.js'
import { Endpoints, type Lease, type OpenEndpoint } from './endpoints.js'
import type { Towards } from './local-address.js'
import { MediaAddress } from './media-address.js'
import type { AccountConfig } from './protocol.js'
import { Reopening } from './reopening.js'
import { Surroundings } from './surroundings.js'

export interface AccountsDeps {
  clock: Clock
  log: RootLogger
  openEndpoint: OpenEndpoint
  lookup: Lookup
  /** The address that this machine uses to reach a host. */
  localAddress: (peer: Towards) => Promise<string>
  /** This machine's own addresses. */
  addresses: () => readonly string[]
  activeCalls: (accountId: string) => number
  /** Ends the account's calls; resolves when they have ended. */
  hangUpAll: (accountId: string, how: HangupInit) => Promise<void>
  /** The account's calls on local addresses that are gone go on from where it is now. */
  follow: (entry: AccountEntry, isGone: (host: string) => boolean) => void
  invite: (entry: AccountEntry, invite: IncomingInvite) => void
  /** Whether the account's calls wait for nobody's decision. */
  decidesAtOnce: (accountId: string) => boolean
  registration: (accountId: string, state: RegistrationState) => void
}

/** One account as it is now; replaced as a whole when what matters on the wire changes. */
export interface AccountEntry {
  config: AccountConfig
  account: Account
  lease: Lease
  /** What stands in SDP. */
  mediaAddress: MediaAddress
  /** Resolves when its registrar has said something, at once where it has none. */
  asked: Promise<void>
  forgetSecret: () => void
}

const CLOSE_MS = 3_000
/** How long calls of an account that has moved wait for its registration. */
const ASKED_MS = 3_000
/** An account whose peer answers in neither family does not swing between them. */
const STAY_MS = 30_000

/** The accounts of one engine and the endpoints below them. Changes of one account happen one after the other. */
export class Accounts {
  readonly #deps: AccountsDeps
  readonly #endpoints: Endpoints
  readonly #entries = new Map<string, AccountEntry>()
  readonly #changes = new Map<string, Promise<unknown>>()
  readonly #reopening: Reopening
  readonly #movedAtMs = new Map<string, number>()
  #surroundings: Surroundings | undefined
  #closed = false

  constructor(deps: AccountsDeps) {
    this.#deps = deps
    this.#reopening = new Reopening({ clock: deps.clock })
    this.#endpoints = new Endpoints({ clock: deps.clock, log: deps.log, open: deps.openEndpoint })
  }

  find(accountId: string): AccountEntry | undefined {
    return this.#entries.get(accountId)
  }

  /** NO_ACCOUNT where there is none, TRANSPORT where its socket cannot be opened. */
  get(accountId: string): AccountEntry {
    const entry = this.find(accountId)
    const reason = entry ? undefined : this.#reopening.reasonFor(accountId)
    if (reason) throw reason
    if (!entry) throw new TelephonyError('NO_ACCOUNT', `there is no account ${accountId}`)
    return entry
  }

  /** Rejects with TRANSPORT where the socket cannot be opened; then it is tried again, and told as the registration's state. */
  set(config: AccountConfig): Promise<AccountEntry> {
    return this.#inTurn(config.id, async () => {
      const peers = checkConfig(config)
      this.#reopening.forget(config.id)
      const old = this.#entries.get(config.id)
      if (old && isDeepStrictEqual(onTheWire(old.config), onTheWire(config))) {
        old.config = config
        return old
      }
      return this.#replace(old, config, peers)
    })
  }

  remove(accountId: string): Promise<void> {
    return this.#inTurn(accountId, async () => {
      this.#reopening.forget(accountId)
      this.#movedAtMs.delete(accountId)
      const entry = this.#entries.get(accountId)
      if (!entry) return
      this.#forget(accountId)
      const ended = this.#deps.hangUpAll(accountId, { reason: 'the account was removed' })
      await within(CLOSE_MS, Promise.all([ended, entry.account.close()]), this.#deps.clock)
      entry.account.abandon()
      await this.#release(entry)
    })
  }

  /** Unregisters all; calls are ended by who holds them. Bounded by the caller. */
  async unregisterAll(): Promise<void> {
    await Promise.all([...this.#entries.values()].map((entry) => entry.account.close()))
  }

  /** Closes every socket; what is still being opened as well. */
  async close(): Promise<void> {
    this.#closed = true
    this.#leaveSurroundings()
    this.#reopening.close()
    const entries = [...this.#entries.values()]
    this.#entries.clear()
    for (const entry of entries) {
      entry.account.abandon()
      entry.mediaAddress.close()
      entry.forgetSecret()
    }
    await this.#endpoints.close()
  }

  #watchSurroundings(): void {
    const { clock, addresses } = this.#deps
    this.#surroundings ??= new Surroundings({
      clock,
      addresses,
      moved: (now) => this.#moved(now),
      slept: () => {
        this.#deps.log.info({}, 'this machine slept, or its clock was set: registrations are refreshed')
        for (const { account } of this.#entries.values()) {
          if (account.registrationState.state === 'registered') account.register()
        }
      },
    })
  }

  #leaveSurroundings(): void {
    this.#surroundings?.close()
    this.#surroundings = undefined
  }

  /** The network is gone, has returned, or is another one. */
  #moved(addresses: readonly string[]): void {
    for (const [accountId, { account, lease }] of this.#entries) {
      const isGone = !addresses.includes(lease.endpoint.local.host)
      if (isGone || account.registrationState.state !== 'registered') void this.#findBack(accountId, isGone)
      else void this.#follow(accountId)
    }
  }

  /**
   * Calls follow an account that has an address. The registrar hears of it first: servers like to know whom a request is from, and
   * credentials are for those who have shown their realm.
   */
  async #follow(accountId: string): Promise<void> {
    const entry = this.#entries.get(accountId)
    if (!entry) return
    await within(ASKED_MS, entry.asked, this.#deps.clock)
    const addresses = this.#deps.addresses()
    if (this.#entries.get(accountId) !== entry || !addresses.includes(entry.lease.endpoint.local.host)) return
    this.#deps.follow(entry, (host) => !addresses.includes(host))
  }

  async #replace(old: AccountEntry | undefined, config: AccountConfig, peers: AccountPeers): Promise<AccountEntry> {
    const address = config.transport.bindAddress.trim() || (await this.#deps.localAddress(towards(config, peers)))
    try {
      return await this.#placeAt(address, old, config)
    } catch (thrown) {
      const error = TelephonyError.from(thrown)
      if (error.code === 'TRANSPORT' && !this.#closed) this.#retryLater(config, error)
      throw error
    }
  }

  async #placeAt(address: string, old: AccountEntry | undefined, config: AccountConfig): Promise<AccountEntry> {
    const { transport } = config
    const stays = old !== undefined && old.lease.key === Endpoints.keyOf(transport, address)
    // The new account takes the old one's place on the socket: its contact is the same.
    if (old) await within(CLOSE_MS, old.account.close(), this.#deps.clock)
    old?.account.abandon()
    const lease = old && stays ? old.lease.fork() : undefined
    if (old) {
      this.#forget(config.id)
      await this.#release(old)
      // Calls go on at their old endpoint unless its very port is wanted.
      if (!lease && this.#endpoints.conflicts(transport, address))
        await this.#deps.hangUpAll(config.id, { reason: 'the transport was changed' })
    }
    const held = lease ?? (await this.#endpoints.acquire(transport, address))
    const { local, advertised } = held.endpoint
    const mediaAddress = new MediaAddress(this.#deps, { advertised: advertised.host, local: local.host })
    await mediaAddress.start()
    if (!this.#closed) return this.#add(config, held, mediaAddress)
    mediaAddress.close()
    await held.release()
    throw new TelephonyError('CLOSED', 'the telephony engine is stopping')
  }

  #add(config: AccountConfig, lease: Lease, mediaAddress: MediaAddress): AccountEntry {
    const { clock, log, lookup } = this.#deps
    const forgetSecret = log.secrets.add(config.password)
    const asked = deferred<void>()
    if (!config.register) asked.resolve()
    try {
      const account = new Account(
        {
          clock,
          log,
          lookup,
          endpoint: lease.endpoint,
          activeCalls: () => this.#deps.activeCalls(config.id),
          invite: (invite) => this.#deps.invite(entry, invite),
          decidesAtOnce: () => this.#deps.decidesAtOnce(config.id),
          registration: (state) => {
            this.#deps.registration(config.id, state)
            if (state.state !== 'registering') asked.resolve()
            if (state.state === 'failed') void this.lookAround(config.id, isLocalFailure(state.status))
          },
        },
        config,
      )
      const entry: AccountEntry = { config, account, lease, mediaAddress, asked: asked.promise, forgetSecret }
      this.#entries.set(config.id, entry)
      this.#watchSurroundings()
      account.start()
      return entry
    } catch (error) {
      forgetSecret()
      mediaAddress.close()
      void lease.release()
      throw error
    }
  }

  #forget(accountId: string): void {
    this.#entries.delete(accountId)
    if (this.#entries.size === 0) this.#leaveSurroundings()
  }

  async #release(entry: AccountEntry): Promise<void> {
    entry.forgetSecret()
    entry.mediaAddress.close()
    await entry.lease.release()
  }

  /**
   * A machine that started without a network, or got another address: the account moves to where its registrar can be
   * reached from. `silent`: nobody answered, so that the other family may do better.
   */
  async lookAround(accountId: string, silent: boolean): Promise<void> {
    if (this.#entries.get(accountId)?.config.transport.bindAddress.trim() !== '') return
    const moved = this.#inTurn(accountId, async () => {
      const entry = this.#entries.get(accountId)
      if (!entry) return
      const { config, lease, account } = entry
      const { clock, log } = this.#deps
      const stays = clock.now() < (this.#movedAtMs.get(accountId) ?? Number.NEGATIVE_INFINITY) + STAY_MS
      const avoid = silent && !stays ? { avoid: lease.endpoint.local.host } : {}
      const address = await this.#deps.localAddress({ ...towards(config, account.peers), ...avoid })
      const { host } = lease.endpoint.local
      const isOtherFamily = isIPv6(address) !== isIPv6(host)
      // No way out at all: the address that was right will be again, or another one will come.
      if (isLoopback(address) && !isLoopback(host)) return
      if (Endpoints.keyOf(config.transport, address) === lease.key || (stays && isOtherFamily)) return
      log.info({ accountId, address }, 'the account moves to another local address')
      this.#movedAtMs.set(accountId, clock.now())
      const isGone = !this.#deps.addresses().includes(host)
      await this.#placeAt(address, entry, config).catch((thrown) => {
        this.#retryLater(config, TelephonyError.from(thrown))
        const reason = 'its local address is gone: the account has no other yet'
        if (isGone) void this.#deps.hangUpAll(accountId, { failed: true, reason })
        throw thrown
      })
    })
    await moved.catch((error: unknown) => this.#deps.log.error({ accountId, err: error }, 'the account could not move'))
    void this.#follow(accountId)
  }

  async #findBack(accountId: string, isGone: boolean): Promise<void> {
    const before = this.#entries.get(accountId)
    await this.lookAround(accountId, false)
    const entry = this.#entries.get(accountId)
    if (!entry || entry !== before) return
    const { registrationState: state } = entry.account
    const isCutOff = state.state === 'failed' && isLocalFailure(state.status)
    // It has not moved: the registrar is asked now, not when a long wait is over, or a binding of no use runs out.
    if (isCutOff || (isGone && state.state === 'registered')) entry.account.register()
  }

  #retryLater(config: AccountConfig, error: TelephonyError): void {
    const { clock, log, registration } = this.#deps
    const { id } = config
    const waitMs = this.#reopening.failed(id, error, () => void this.#retry(config))
    const retryAt = new Date(clock.wall() + waitMs).toISOString()
    log.warn({ accountId: id, err: error, retryAt }, 'the account’s socket could not be opened')
    registration(id, { state: 'failed', status: 0, reason: error.message, retryAt, local: true })
  }

  async #retry(config: AccountConfig): Promise<void> {
    await this.#inTurn(config.id, async () => {
      if (this.#closed || !this.#reopening.reasonFor(config.id)) return
      await this.#replace(undefined, config, checkConfig(config))
      this.#reopening.forget(config.id)
      this.#deps.log.info({ accountId: config.id }, 'the account’s socket is open')
      if (!config.register) this.#deps.registration(config.id, { state: 'idle' })
    }).catch(() => undefined) // told, and tried again
  }

  #inTurn<T>(accountId: string, change: () => Promise<T>): Promise<T> {
    const before = this.#changes.get(accountId) ?? Promise.resolve()
    const turn = before.then(change, change)
    this.#changes.set(accountId, turn)
    const forget = () => {
      if (this.#changes.get(accountId) === turn) this.#changes.delete(accountId)
    }
    turn.then(forget, forget)
    return turn
  }
}

const isLoopback = (address: string): boolean => address === '::1' || address.startsWith('127.')

/** 408 and 503 as the SIP layer makes them up, and what a registrar that is overloaded says: the other family may do better. */
const isLocalFailure = (status: number): boolean => status === 408 || status === 503
