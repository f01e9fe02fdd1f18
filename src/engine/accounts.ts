import { isDeepStrictEqual } from 'node:util'
import { Account, checkAccount } from '../account/account.js'
import type { HostPort } from '../account/aor.js'
import { checkPatterns } from '../account/outbound-policy.js'
import type { Lookup } from '../account/policy.js'
import type { RegistrationState } from '../account/registration-state.js'
import type { Clock } from '../base/clock.js'
import { TelephonyError } from '../base/errors.js'
import type { IncomingInvite } from '../sip/types.js'
import type { RootLogger } from '../trace/logger.js'
import { within } from './deadline.js'
import { Endpoints, type Lease, type OpenEndpoint, parseAdvertised } from './endpoints.js'
import type { AccountConfig } from './protocol.js'

export interface AccountsDeps {
  clock: Clock
  log: RootLogger
  openEndpoint: OpenEndpoint
  lookup: Lookup
  /** The address that this machine uses to reach a host. */
  localAddress: (peer: HostPort) => Promise<string>
  activeCalls: (accountId: string) => number
  /** Ends the account's calls; resolves when they have ended. */
  hangUpAll: (accountId: string) => Promise<void>
  invite: (entry: AccountEntry, invite: IncomingInvite) => void
  registration: (accountId: string, state: RegistrationState) => void
}

/** One account as it is now; replaced as a whole when what matters on the wire changes. */
export interface AccountEntry {
  config: AccountConfig
  account: Account
  lease: Lease
  forgetSecret: () => void
}

const CLOSE_MS = 3_000
const ANY_ADDRESS = '0.0.0.0'

/** The accounts of one engine and the endpoints below them. Changes of one account happen one after the other. */
export class Accounts {
  readonly #deps: AccountsDeps
  readonly #endpoints: Endpoints
  readonly #entries = new Map<string, AccountEntry>()
  readonly #changes = new Map<string, Promise<unknown>>()
  #closed = false

  constructor(deps: AccountsDeps) {
    this.#deps = deps
    this.#endpoints = new Endpoints({ clock: deps.clock, log: deps.log, open: deps.openEndpoint })
  }

  find(accountId: string): AccountEntry | undefined {
    return this.#entries.get(accountId)
  }

  /** NO_ACCOUNT where there is none. */
  get(accountId: string): AccountEntry {
    const entry = this.find(accountId)
    if (!entry) throw new TelephonyError('NO_ACCOUNT', `there is no account ${accountId}`)
    return entry
  }

  set(config: AccountConfig): Promise<AccountEntry> {
    return this.#inTurn(config.id, async () => {
      const { next } = checkConfig(config)
      const old = this.#entries.get(config.id)
      if (old && isDeepStrictEqual(onTheWire(old.config), onTheWire(config))) {
        old.config = config
        return old
      }
      return this.#replace(old, config, next)
    })
  }

  remove(accountId: string): Promise<void> {
    return this.#inTurn(accountId, async () => {
      const entry = this.#entries.get(accountId)
      if (!entry) return
      this.#entries.delete(accountId)
      await within(CLOSE_MS, Promise.all([this.#deps.hangUpAll(accountId), entry.account.close()]), this.#deps.clock)
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
    const entries = [...this.#entries.values()]
    this.#entries.clear()
    for (const entry of entries) {
      entry.account.abandon()
      entry.forgetSecret()
    }
    await this.#endpoints.close()
  }

  async #replace(old: AccountEntry | undefined, config: AccountConfig, next: HostPort): Promise<AccountEntry> {
    const { transport } = config
    const address = transport.bindAddress.trim() || (await this.#deps.localAddress(next))
    const stays = old !== undefined && old.lease.key === Endpoints.keyOf(transport, address)
    // The new account takes the old one's place on the socket: its contact is the same.
    if (old) await within(CLOSE_MS, old.account.close(), this.#deps.clock)
    old?.account.abandon()
    const lease = old && stays ? old.lease.fork() : undefined
    if (old) {
      this.#entries.delete(config.id)
      await this.#release(old)
      // Calls go on at their old endpoint unless its very port is wanted.
      if (!lease && this.#endpoints.conflicts(transport, address)) await this.#deps.hangUpAll(config.id)
    }
    const held = lease ?? (await this.#endpoints.acquire(transport, address))
    if (!this.#closed) return this.#add(config, held)
    await held.release()
    throw new TelephonyError('CLOSED', 'the telephony engine is stopping')
  }

  #add(config: AccountConfig, lease: Lease): AccountEntry {
    const { clock, log, lookup } = this.#deps
    const forgetSecret = log.secrets.add(config.password)
    try {
      const account = new Account(
        {
          clock,
          log,
          lookup,
          endpoint: lease.endpoint,
          activeCalls: () => this.#deps.activeCalls(config.id),
          invite: (invite) => this.#deps.invite(entry, invite),
          registration: (state) => {
            this.#deps.registration(config.id, state)
            if (state.state === 'failed') void this.#followAddress(config.id)
          },
        },
        config,
      )
      const entry: AccountEntry = { config, account, lease, forgetSecret }
      this.#entries.set(config.id, entry)
      account.start()
      return entry
    } catch (error) {
      forgetSecret()
      void lease.release()
      throw error
    }
  }

  async #release(entry: AccountEntry): Promise<void> {
    entry.forgetSecret()
    await entry.lease.release()
  }

  /** A machine that started without a network, or got another address: the account moves to where its registrar can be reached from. */
  async #followAddress(accountId: string): Promise<void> {
    if (this.#entries.get(accountId)?.config.transport.bindAddress.trim() !== '') return
    const moved = this.#inTurn(accountId, async () => {
      const entry = this.#entries.get(accountId)
      if (!entry) return
      const { config, lease, account } = entry
      const address = await this.#deps.localAddress(account.peers.next)
      if (Endpoints.keyOf(config.transport, address) === lease.key) return
      this.#deps.log.info({ accountId, address }, 'the local address has changed: the account moves there')
      await this.#replace(entry, config, account.peers.next)
    })
    await moved.catch((error: unknown) => this.#deps.log.error({ accountId, err: error }, 'the account could not move'))
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

/** What a change of makes a new account of; the rest (names, codecs, times) is read when it is needed. */
function onTheWire(config: AccountConfig): unknown {
  const { transport, proxy } = config
  return {
    ...config,
    name: '',
    codecs: [],
    ringTimeoutMs: 0,
    dtmfToneMs: 0,
    exposeHeaders: [],
    mediaTimeoutMs: 0,
    orphanedCalls: '',
    dialPlan: null,
    followRedirects: true,
    maxCallsPerMinute: 0,
    allowedTargets: [],
    blockedTargets: [],
    allowEmergency: false,
    transport: { ...transport, name: '', rtpPortMin: 0, rtpPortMax: 0 },
    proxy: proxy ? proxy.hops : null,
  }
}

function checkConfig(config: AccountConfig) {
  const { transport, codecs } = config
  const portsFit =
    transport.rtpPortMin > 0 && transport.rtpPortMax <= 65_535 && transport.rtpPortMax > transport.rtpPortMin
  if (!portsFit) throw new TelephonyError('BAD_CONFIG', 'the RTP port range needs two ports at least, up to 65535')
  if (!(transport.bindPort >= 0 && transport.bindPort <= 65_535)) {
    throw new TelephonyError('BAD_CONFIG', `port ${transport.bindPort} is not between 0 and 65535`)
  }
  if (transport.bindAddress.trim() === ANY_ADDRESS && transport.publicAddress.trim() === '') {
    // RFC 3261 18.1.1, RFC 4566 5.7: Via, Contact and SDP have to name an address that peers can reach.
    throw new TelephonyError('BAD_CONFIG', `${ANY_ADDRESS} needs a public address; or leave the bind address empty`)
  }
  parseAdvertised(transport.publicAddress)
  if (codecs.length === 0) throw new TelephonyError('BAD_CONFIG', 'an account needs one codec at least')
  checkPatterns(config)
  return checkAccount(config)
}
