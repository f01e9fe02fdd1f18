import { isDeepStrictEqual } from 'node:util'
import { Account, type AccountPeers } from '../account/account.js'
import { within } from '../base/deadline.js'
import { deferred } from '../base/deferred.js'
import { TelephonyError } from '../base/errors.js'
import { checkConfig, firstDestination, wireSettings } from './account-config.js'
import type { AccountEntry, EngineAccountsDeps } from './account-entry.js'
import { AccountMoves, isLocalFailure } from './account-moves.js'
import { Endpoints, isPortInUse, type Lease, portOf } from './endpoints.js'
import { MediaAddress } from './media-address.js'
import type { AccountConfig } from './protocol.js'
import { Reopening } from './reopening.js'

const CLOSE_MS = 3_000

interface AccountParts {
  lease: Lease
  mediaAddress: MediaAddress
  oldContacts: readonly string[]
}

/** Contacts that the registrar still has, because the un-REGISTER did not reach it: the address of the account was gone. */
const leftContacts = (old: AccountEntry | undefined, { aor, registrar }: AccountConfig): readonly string[] =>
  old && old.config.aor === aor && old.config.registrar === registrar ? old.account.boundContacts : []

/** The accounts of one engine and the endpoints below them. Changes of one account happen one after the other. */
export class EngineAccounts {
  readonly #deps: EngineAccountsDeps
  readonly #endpoints: Endpoints
  readonly #entries = new Map<string, AccountEntry>()
  readonly #changes = new Map<string, Promise<unknown>>()
  readonly #reopening: Reopening
  readonly #moves: AccountMoves
  #closed = false

  constructor(deps: EngineAccountsDeps) {
    this.#deps = deps
    this.#reopening = new Reopening({ clock: deps.clock })
    this.#endpoints = new Endpoints({
      clock: deps.clock,
      log: deps.log,
      open: deps.openEndpoint,
      lookup: deps.names.host,
    })
    this.#moves = new AccountMoves({
      entries: this.#entries,
      inTurn: (accountId, change) => this.#inTurn(accountId, change),
      placeAt: (address, entry, config) => this.#placeAt(address, entry, config),
      retryLater: (config, error) => this.#retryLater(config, error),
      ...deps,
    })
  }

  find(accountId: string): AccountEntry | undefined {
    return this.#entries.get(accountId)
  }

  /** Throws NO_ACCOUNT for an unknown account, TRANSPORT if its socket cannot be opened. */
  get(accountId: string): AccountEntry {
    const entry = this.find(accountId)
    const reason = entry ? undefined : this.#reopening.reasonFor(accountId)
    if (reason) throw reason
    if (!entry)
      throw new TelephonyError(
        'NO_ACCOUNT',
        `the account ${accountId} does not exist. Deploy it, or use the id of another account`,
      )
    return entry
  }

  /** Rejects with TRANSPORT if the socket cannot be opened; then it is tried again, and the registration state shows it. */
  set(config: AccountConfig): Promise<AccountEntry> {
    return this.#inTurn(config.id, async () => {
      const peers = checkConfig(config)
      this.#reopening.forget(config.id)
      const old = this.#entries.get(config.id)
      if (old && isDeepStrictEqual(wireSettings(old.config), wireSettings(config))) {
        old.config = config
        old.lease.adopt(config.transport)
        return old
      }
      return this.#replace(old, config, peers)
    })
  }

  remove(accountId: string): Promise<void> {
    return this.#inTurn(accountId, async () => {
      this.#reopening.forget(accountId)
      this.#moves.forget(accountId)
      const entry = this.#entries.get(accountId)
      if (!entry) return
      this.#forget(accountId)
      const ended = this.#deps.hangUpAll(accountId, { reason: 'the account was removed' })
      await Promise.all([within(CLOSE_MS, ended, this.#deps.clock), entry.account.close(CLOSE_MS)])
      await this.#release(entry)
    })
  }

  /** `silent`: the account's peer did not answer. */
  reconsiderAddress(accountId: string, silent: boolean): Promise<void> {
    return this.#moves.reconsiderAddress(accountId, silent)
  }

  /** Unregisters all accounts for at most `limitMs`, and leaves their calls alone. */
  async unregisterAll(limitMs: number): Promise<void> {
    await Promise.all([...this.#entries.values()].map((entry) => entry.account.close(limitMs)))
  }

  /** Closes every socket, also those that are being opened. */
  async close(): Promise<void> {
    this.#closed = true
    this.#moves.stop()
    this.#reopening.close()
    const entries = [...this.#entries.values()]
    this.#entries.clear()
    for (const entry of entries) {
      entry.account.stop()
      entry.mediaAddress.close()
      entry.forgetSecret()
    }
    await this.#endpoints.close()
  }

  async #replace(old: AccountEntry | undefined, config: AccountConfig, peers: AccountPeers): Promise<AccountEntry> {
    const address =
      config.transport.bindAddress.trim() || (await this.#deps.localAddress(firstDestination(config, peers)))
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
    // The new account replaces the old one on the socket, because both have the same contact.
    await old?.account.close(CLOSE_MS)
    const lease = old && stays ? old.lease.fork() : undefined
    lease?.adopt(transport)
    if (old) {
      this.#forget(config.id)
      await this.#release(old)
      // Calls continue on their old endpoint unless the account needs the same port.
      if (!lease && this.#endpoints.conflicts(transport, address))
        await this.#deps.hangUpAll(config.id, { reason: 'the transport was changed' })
    }
    const held = lease ?? (await this.#endpoints.acquire(transport, address))
    await held.publicAddress?.ready()
    const { local, advertised } = held.endpoint
    const advertisedMedia = transport.mediaAddress?.trim() || (held.publicAddress?.current ?? advertised).host
    const { clock, log, names } = this.#deps
    const mediaAddress = new MediaAddress(
      { clock, log, lookup: names.host },
      { advertised: advertisedMedia, local: local.host },
    )
    await mediaAddress.start()
    if (!this.#closed) return this.#add(config, { lease: held, mediaAddress, oldContacts: leftContacts(old, config) })
    mediaAddress.close()
    await held.release()
    throw new TelephonyError('CLOSED', 'the telephony engine is stopping')
  }

  #add(config: AccountConfig, parts: AccountParts): AccountEntry {
    const { lease, mediaAddress, oldContacts } = parts
    const { clock, log, names } = this.#deps
    const forgetSecret = log.secrets.add(config.password)
    const registrarAnswered = deferred<void>()
    if (!config.register) registrarAnswered.resolve()
    try {
      const account = new Account(
        {
          clock,
          log,
          lookup: names.servers,
          endpoint: lease.endpoint,
          activeCalls: () => this.#deps.activeCalls(config.id),
          invite: (invite) => this.#deps.invite(entry, invite),
          decidesAtOnce: () => this.#deps.decidesAtOnce(config.id),
          registration: (state) => {
            this.#deps.registration(config.id, state)
            if (state.state !== 'registering') registrarAnswered.resolve()
            if (state.state === 'failed') void this.#moves.reconsiderAddress(config.id, isLocalFailure(state.status))
          },
        },
        {
          ...config,
          // A public address is the choice of the user, and may be a port that the router forwards.
          rewriteContact: config.rewriteContact !== false && config.transport.publicAddress.trim() === '',
          oldContacts,
          ...(config.transport.keepAliveMs !== undefined && { keepAliveMs: config.transport.keepAliveMs }),
        },
      )
      const { publicAddress } = lease
      if (publicAddress?.current) account.publish(publicAddress.current)
      const unwatch = publicAddress?.watch((address) => {
        account.publish(address)
        if (!config.transport.mediaAddress?.trim()) mediaAddress.replace(address.host)
      })
      const entry: AccountEntry = {
        config,
        account,
        lease,
        mediaAddress,
        registrarAnswered: registrarAnswered.promise,
        forgetSecret,
        unwatch: unwatch ?? (() => {}),
      }
      this.#entries.set(config.id, entry)
      this.#moves.watch()
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
    if (this.#entries.size === 0) this.#moves.stop()
  }

  async #release(entry: AccountEntry): Promise<void> {
    entry.forgetSecret()
    entry.unwatch()
    entry.mediaAddress.close()
    await entry.lease.release()
  }

  #retryLater(config: AccountConfig, error: TelephonyError): void {
    const { clock, log, registration } = this.#deps
    const { id } = config
    const waitMs = this.#reopening.failed(id, error, () => void this.#retry(config))
    const retryAt = new Date(clock.wall() + waitMs).toISOString()
    log.info({ accountId: id, err: error, retryAt }, 'the account’s socket could not be opened')
    const busy = isPortInUse(error) ? { portInUse: portOf(error) } : {}
    registration(id, { state: 'failed', status: 0, reason: error.message, retryAt, local: true, ...busy })
  }

  async #retry(config: AccountConfig): Promise<void> {
    await this.#inTurn(config.id, async () => {
      if (this.#closed || !this.#reopening.reasonFor(config.id)) return
      await this.#replace(undefined, config, checkConfig(config))
      this.#reopening.forget(config.id)
      this.#deps.log.info({ accountId: config.id }, 'the account’s socket is open')
      if (!config.register) this.#deps.registration(config.id, { state: 'idle' })
    }).catch(() => undefined) // reported as a registration state, and tried again
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
