import { createHash } from 'node:crypto'
import type { Clock } from '../base/clock.js'
import { TelephonyError } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import { uriHost } from '../sip/transport/address.js'
import {
  type IncomingInvite,
  isLocal,
  type SipAddress,
  type SipEndpoint,
  type SipProtocol,
  type UserAgent,
} from '../sip/types.js'
import { type Aor, parseAor, parseHostPort, portFault } from './aor.js'
import { DigestAuthenticator } from './authenticator.js'
import { checkDialPlan, type DialPlan } from './dial-plan.js'
import { KeepAlive } from './keep-alive.js'
import { checkSources, type Lookup, Policy } from './policy.js'
import { Registration } from './registration.js'
import type { RegistrationState } from './registration-state.js'
import { parseRoute } from './route.js'
import { resolveTarget, type Target } from './target.js'

/** What an account is made from; the engine's AccountConfig fits. */
export interface AccountInit {
  id: string
  aor: string
  displayName: string
  authUser: string
  password: string
  /** The only realm that gets credentials; absent or '' : the registrar's and the proxies', as they show themselves. */
  realm?: string
  registrar: string
  register: boolean
  expiresSec: number
  maxCalls: number
  anyUser?: boolean
  inboundFrom: 'known' | 'anyone'
  allowedSources: readonly string[]
  /** What those who may not call get; absent: silence. */
  strangers?: 'silence' | '403'
  dialPlan?: DialPlan
  proxy: { hops: readonly string[] } | null
  /** By which requests go where no URI names one. */
  protocol?: 'auto' | SipProtocol
}

export interface AccountDeps {
  clock: Clock
  log: Logger
  endpoint: Pick<SipEndpoint, 'createUserAgent' | 'advertised'>
  lookup: Lookup
  /** Calls of this account that live, in both directions. */
  activeCalls: () => number
  invite: (invite: IncomingInvite) => void
  decidesAtOnce: () => boolean
  registration: (state: RegistrationState) => void
}

/** The settings that name hosts, checked: what can be known before a socket is opened. */
export interface AccountPeers {
  aor: Aor
  /** Request-URI of REGISTER. */
  registrar: string
  routeSet: string[]
  /** Where the first packet goes: the first proxy hop, or the registrar. */
  next: { host: string; port: number }
  /** Registrar and proxies, without ports. */
  hosts: string[]
  /** As set, else as the first hop names it. */
  protocol: SipProtocol | undefined
}

const MAX_EXPIRES_SEC = 86_400

/** BAD_CONFIG where a setting cannot be used, with the reason. */
export function checkAccount(init: AccountInit): AccountPeers {
  const aor = parseAor(init.aor)
  const registrarText = init.registrar.trim() || aor.domain
  const registrar = parseHostPort(registrarText)
  if (!registrar) {
    const why = portFault(registrarText) ?? 'Use one like pbx.example.com or 192.0.2.1:5060'
    throw badConfig(`“${init.registrar}” is not a valid registrar. ${why}`)
  }
  const hops = parseRoute(init.proxy?.hops ?? [])
  checkSources(init.allowedSources)
  if (init.dialPlan) checkDialPlan(init.dialPlan)
  if (!(init.expiresSec >= 1 && init.expiresSec <= MAX_EXPIRES_SEC)) {
    throw badConfig(`a registration time of ${init.expiresSec} s is not possible. Use 1 to ${MAX_EXPIRES_SEC} s`)
  }
  // RFC 3261 10.2: no user part in the Request-URI; the port only where it was written (SRV decides otherwise).
  const port = /(?:^|[^:]):\d+(?:;|$)/.test(registrarText.replace(/^sips?:/i, '')) ? `:${registrar.port}` : ''
  const named = transportOf(registrarText)
  const first = hops[0] ? transportOf(hops[0].route) : named
  const protocol = init.protocol === undefined || init.protocol === 'auto' ? first : init.protocol
  return {
    aor,
    registrar: `sip:${uriHost(registrar.host)}${port}${named ? `;transport=${named}` : ''}`,
    routeSet: hops.map((hop) => hop.route),
    next: hops[0] ?? registrar,
    hosts: [...new Set([registrar.host, ...hops.map((hop) => hop.host)])],
    protocol,
  }
}

/** Identity and policy of one telephone subscriber: which requests it takes, how it registers, how its targets are resolved. */
export class Account {
  readonly id: string
  readonly peers: AccountPeers
  readonly userAgent: UserAgent
  readonly #policy: Policy
  readonly #registration: Registration
  readonly #keepAlive: KeepAlive
  readonly #wantsRegistration: boolean
  #closing: Promise<void> | undefined
  #abandoned = false
  /** Where our last registration was answered from. */
  #registeredOver: SipAddress | undefined

  constructor(deps: AccountDeps, init: AccountInit) {
    const { clock, lookup, activeCalls } = deps
    const log = deps.log.child({ accountId: init.id })
    this.id = init.id
    this.peers = checkAccount(init)
    this.#wantsRegistration = init.register
    this.#policy = new Policy(
      { clock, log, lookup, activeCalls, changed: () => this.userAgent.setSources(this.#policy.sources) },
      {
        inboundFrom: init.inboundFrom,
        allowedSources: init.allowedSources,
        maxCalls: init.maxCalls,
        peers: this.peers.hosts,
        strangers: init.strangers ?? 'silence',
      },
    )
    const { aor } = this.peers
    const contactUser = contactUserOf(init.id, aor.uri)
    this.userAgent = deps.endpoint.createUserAgent({
      aor: aor.uri,
      displayName: init.displayName,
      contactUser,
      anyUser: init.anyUser ?? false,
      ...(this.peers.protocol ? { protocol: this.peers.protocol } : {}),
      routeSet: this.peers.routeSet,
      authenticator: new DigestAuthenticator(
        {},
        { username: init.authUser || aor.user, password: init.password },
        { realm: init.realm ?? '', viaProxy: this.peers.routeSet.length > 0, isOurs: (host) => this.#isOurs(host) },
      ),
      sources: this.#policy.sources,
      handlers: {
        admit: (request) => this.#policy.admit(request),
        invite: deps.invite,
        decidesAtOnce: deps.decidesAtOnce,
        flowLost: (peer) => this.#flowLost(peer),
      },
    })
    this.#registration = new Registration(
      { clock, log, userAgent: this.userAgent },
      {
        aor: aor.uri,
        registrar: this.peers.registrar,
        host: deps.endpoint.advertised.host,
        expiresSec: init.expiresSec,
      },
    )
    this.#keepAlive = new KeepAlive({ clock, send: (to) => this.userAgent.keepAlive(to) })
    this.#registration.on('state', (state) => {
      if (state.state === 'idle') this.#keepAlive.stop()
      deps.registration(state)
    })
    this.#registration.on('answer', (response) => {
      if (isLocal(response) || response.status >= 300) return
      this.#policy.learn(response.source.host)
      this.#registeredOver = response.source
      this.#keepAlive.start(response.source)
    })
  }

  get registrationState(): RegistrationState {
    return this.#registration.state
  }

  start(): void {
    void this.#policy.start()
    if (this.#wantsRegistration) this.#registration.register()
  }

  #isOurs(host: string): boolean {
    const { hosts, aor } = this.peers
    return hosts.includes(host) || parseHostPort(aor.domain)?.host === host || this.#policy.isPeer(host)
  }

  /** `plan` is handed in: it may change while the account goes on. */
  target(text: string, plan?: DialPlan): Target {
    return resolveTarget(text, this.peers.aor.domain, plan)
  }

  register(): void {
    this.#registration.register()
  }

  unregister(): Promise<void> {
    return this.#registration.unregister()
  }

  /** RFC 5626 4.4: calls came by that connection, so the registrar has to learn of a new one. */
  #flowLost(peer: SipAddress): void {
    const over = this.#registeredOver
    if (over?.protocol !== peer.protocol || over.host !== peer.host || over.port !== peer.port) return
    this.#registration.transportLost()
  }

  /** Unregisters, as long as that takes: the caller bounds it and ends with `abandon`. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#registration.unregister().finally(() => this.abandon())
    return this.#closing
  }

  /** Takes no more requests and says nothing to the registrar; dialogs that live go on. Idempotent. */
  abandon(): void {
    if (this.#abandoned) return
    this.#abandoned = true
    this.#policy.close()
    this.#keepAlive.stop()
    this.#registration.close()
    this.userAgent.close()
  }
}

/** RFC 3261 19.1.1; BAD_CONFIG for one that this version does not have. */
function transportOf(uri: string): SipProtocol | undefined {
  const name = /;transport=([^;>?]*)/i.exec(uri)?.[1]?.toLowerCase()
  if (name === undefined || name === 'udp' || name === 'tcp') return name
  throw badConfig(`“${uri}”: the transport “${name}” is not supported. Use transport=udp or transport=tcp`)
}

/**
 * The same for an account each time it starts: after a crash its REGISTER replaces the binding that was left behind, where a random
 * user would add a second one, which registrars with a limit refuse.
 */
const contactUserOf = (accountId: string, aor: string): string =>
  createHash('sha256').update(`${accountId} ${aor}`).digest('hex').slice(0, 16)

const badConfig = (message: string): TelephonyError => new TelephonyError('BAD_CONFIG', message)
