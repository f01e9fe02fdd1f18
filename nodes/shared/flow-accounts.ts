/**
 * The accounts in use, apart from the configuration nodes that describe them. A Full deploy closes and creates these nodes again,
 * but an account with the same settings keeps its registration and its calls. The engine decides which changes
 * matter on the wire; a changed name does not.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Clock, Timer } from '../../src/base/clock.js'
import { TypedEmitter } from '../../src/base/typed-emitter.js'
import type { AccountConfig, InboundRule, RegistrationState } from '../../src/engine/protocol.js'
import { TelephonyError } from './errors.js'
import type { SharedEngine } from './shared-engine.js'
import type { AccountState } from './status.js'

/** How long an account stays alive without its node. Longer than a deploy that creates the node again. */
const GRACE_MS = 5_000

interface Entry {
  config: AccountConfig
  state: AccountState
  /** The failure of the last registration; undefined after a success or if none has failed yet. */
  failure?: AccountState | undefined
  grace: Timer | undefined
  /** The engine's commands for this account, one after the other. Rejects with the reason if the account cannot be used. */
  work: Promise<void>
  inbound: InboundRule | null
  /** The engine has refused this account, or could not open its socket yet. */
  isOut?: boolean
  /** The inbound rule that the engine has now. */
  inboundSent: InboundRule | null
}

type AccountEvents = {
  change: [accountId: string, state: AccountState]
  /** The state of the registration has changed. A successful refresh does not count as a change. */
  registration: [accountId: string, registration: RegistrationState]
}

export class FlowAccounts extends TypedEmitter<AccountEvents> {
  readonly #engine: SharedEngine
  readonly #clock: Clock
  /** True while a deploy closes nodes: no grace period may expire then, even if closing is slow. */
  readonly #isClosing: () => boolean
  readonly #complete: (config: AccountConfig) => Promise<AccountConfig>
  readonly #entries = new Map<string, Entry>()
  readonly #removals = new Map<string, Promise<void>>()

  /** `complete`: adds what is not in the nodes, before the engine gets a configuration. */
  constructor(deps: {
    engine: SharedEngine
    clock: Clock
    isClosing: () => boolean
    complete?: (config: AccountConfig) => Promise<AccountConfig>
  }) {
    super()
    this.#complete = deps.complete ?? (async (config) => config)
    this.#engine = deps.engine
    this.#clock = deps.clock
    this.#isClosing = deps.isClosing
    this.#engine.on('registration', (event) => this.#registered(event.accountId, event.registration))
  }

  /** A node with this account exists. With the same settings as before, nothing happens on the wire. */
  attach(config: AccountConfig): void {
    const entry = this.#entries.get(config.id)
    entry?.grace?.cancel()
    const works = entry && entry.state.state !== 'broken'
    if (works && isDeepStrictEqual(entry.config, config)) {
      entry.grace = undefined
      return
    }
    const fresh: Entry = {
      config,
      state: works ? entry.state : { state: 'starting' },
      grace: undefined,
      work: Promise.resolve(),
      inbound: entry?.inbound ?? null,
      inboundSent: entry?.inboundSent ?? null,
    }
    this.#entries.set(config.id, fresh)
    const before = entry?.work ?? this.#removals.get(config.id) ?? Promise.resolve()
    fresh.work = before.catch(() => undefined).then(() => this.#apply(fresh))
    fresh.work.catch(() => undefined)
    this.emit('change', config.id, fresh.state)
  }

  /** The account's node is closed. `removed`: hang up and unregister now. Otherwise a new node may take over within the grace period. */
  detach(accountId: string, removed: boolean): void {
    const entry = this.#entries.get(accountId)
    if (!entry) return
    entry.grace?.cancel()
    if (removed) {
      this.#remove(accountId)
      return
    }
    entry.grace = this.#clock.setTimeout(() => {
      if (this.#isClosing()) this.detach(accountId, false)
      else this.#remove(accountId)
    }, GRACE_MS)
  }

  /** What `complete` adds has changed. */
  renew(): void {
    for (const entry of this.#entries.values()) {
      entry.work = entry.work.catch(() => undefined).then(() => this.#apply(entry))
      entry.work.catch(() => undefined)
    }
  }

  /** Resolves when the engine has the account; rejects with the reason if the engine refuses it. */
  async ready(accountId: string): Promise<void> {
    const entry = this.#entries.get(accountId)
    if (!entry) throw new TelephonyError('NO_ACCOUNT', 'the account of this node is missing or its settings are wrong')
    await entry.work
  }

  config(accountId: string): AccountConfig | undefined {
    return this.#entries.get(accountId)?.config
  }

  state(accountId: string): AccountState | undefined {
    return this.#entries.get(accountId)?.state
  }

  /** The state for people: while a failed registration is tried again, its failure. */
  shown(accountId: string): AccountState | undefined {
    const entry = this.#entries.get(accountId)
    return entry?.state.state === 'registering' ? (entry.failure ?? entry.state) : entry?.state
  }

  /** Somebody registers by hand: this shows as a first attempt. */
  forgetFailure(accountId: string): void {
    const entry = this.#entries.get(accountId)
    if (entry) entry.failure = undefined
  }

  configs(): AccountConfig[] {
    return [...this.#entries.values()].map(({ config }) => config)
  }

  /** The id of the account if there is exactly one. */
  onlyId(): string | undefined {
    return this.#entries.size === 1 ? this.#entries.keys().next().value : undefined
  }

  /** Resolves when a registration under way has succeeded or failed, or after the limit. */
  registrationSettled(accountId: string, limitMs: number): Promise<void> {
    const isSettled = () => !['starting', 'registering', 'unregistering'].includes(this.state(accountId)?.state ?? '')
    if (isSettled()) return Promise.resolve()
    return new Promise((resolve) => {
      const finish = () => {
        limit.cancel()
        unlisten()
        resolve()
      }
      const limit = this.#clock.setTimeout(finish, limitMs)
      const unlisten = this.on('change', (id) => {
        if (id === accountId && isSettled()) finish()
      })
    })
  }

  /** Sets which node takes the account's inbound calls, and how. One node per account. */
  setInbound(accountId: string, rule: InboundRule): void {
    const entry = this.#entries.get(accountId)
    if (!entry) throw new TelephonyError('NO_ACCOUNT', 'the account of this node is missing or its settings are wrong')
    if (JSON.stringify(entry.inbound) === JSON.stringify(rule)) return
    entry.inbound = rule
    this.#changeInbound(entry)
  }

  inboundOwner(accountId: string): string | null {
    return this.#entries.get(accountId)?.inbound?.owner ?? null
  }

  /** Removes the rules of nodes that no longer take the account's calls. */
  sweepInbound(stillTakes: (owner: string, accountId: string) => boolean): void {
    for (const [accountId, entry] of this.#entries) {
      const owner = entry.inbound?.owner
      if (!owner || stillTakes(owner, accountId)) continue
      entry.inbound = null
      this.#changeInbound(entry)
    }
  }

  /** For an engine that has stopped: its accounts do not exist any more. */
  clear(): void {
    for (const entry of this.#entries.values()) entry.grace?.cancel()
    this.#entries.clear()
    this.#removals.clear()
  }

  async #apply(entry: Entry): Promise<void> {
    const { id } = entry.config
    try {
      await this.#engine.start()
      // The rule comes first: a call must not arrive at an account without one.
      await this.#syncInbound(entry)
      await this.#engine.call('setAccount', await this.#complete(entry.config))
      await this.#syncInbound(entry)
    } catch (thrown) {
      const error = TelephonyError.from(thrown)
      // The engine keeps trying to open the socket, and has reported the failure already.
      const isRetried = error.code === 'TRANSPORT' && entry.state.state === 'failed'
      if (this.#entries.get(id) === entry && !isRetried) this.#setState(id, { state: 'broken', error })
      entry.isOut = true
      throw error
    }
    if (this.#entries.get(id) === entry && entry.state.state === 'starting') this.#setState(id, { state: 'idle' })
  }

  #changeInbound(entry: Entry): void {
    entry.work = entry.work.then(() => this.#syncInbound(entry))
    entry.work.catch(() => undefined)
  }

  async #syncInbound(entry: Entry): Promise<void> {
    const rule = entry.inbound
    if (rule === entry.inboundSent) return
    await this.#engine.call('setInbound', { accountId: entry.config.id, rule })
    entry.inboundSent = rule
  }

  #remove(accountId: string): void {
    const entry = this.#entries.get(accountId)
    if (!entry) return
    this.#entries.delete(accountId)
    const removal = entry.work
      .catch(() => undefined)
      .then(() => this.#engine.call('removeAccount', { accountId }))
      .catch(() => undefined)
      .finally(() => {
        if (this.#removals.get(accountId) === removal) this.#removals.delete(accountId)
      })
    this.#removals.set(accountId, removal)
  }

  #registered(accountId: string, registration: RegistrationState): void {
    const entry = this.#entries.get(accountId)
    if (!entry) return
    const before = entry.state
    if (entry.isOut && registration.state !== 'failed') this.#isIn(entry)
    this.#setState(accountId, registration)
    if (changeOf(before) !== changeOf(registration)) this.emit('registration', accountId, registration)
  }

  /** A later attempt to open the socket has succeeded. */
  #isIn(entry: Entry): void {
    entry.isOut = false
    entry.work = this.#syncInbound(entry)
    entry.work.catch(() => undefined)
  }

  #setState(accountId: string, state: AccountState): void {
    const entry = this.#entries.get(accountId)
    if (!entry) return
    entry.state = state
    // Status 0: there was no socket. Once it is open, the failure is over.
    if (state.state !== 'registering')
      entry.failure = state.state === 'failed' && state.status !== 0 ? state : undefined
    this.emit('change', accountId, state)
  }
}

const changeOf = (state: AccountState): string =>
  state.state === 'failed' ? `failed ${state.status} ${state.reason}` : state.state
