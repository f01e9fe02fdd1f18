import { createHash } from 'node:crypto'
import { v5 } from 'uuid'
import type { Clock } from '../base/clock.js'
import { within } from '../base/deadline.js'
import { TelephonyError } from '../base/errors.js'
import { type HostPort, uriHost } from '../base/host-port.js'
import type { Logger } from '../base/logger.js'
import {
  type IncomingInvite,
  type IncomingSubscription,
  isLocal,
  type RequestHandler,
  type SipAddress,
  type SipEndpoint,
  type SipProtocol,
  type UserAgent,
} from '../sip/types.js'

import { type Aor, parseAor, parseHostPort, portFault } from './aor.js'
import { bindingOf } from './binding.js'
import { ContactRepair } from './contact-repair.js'
import { checkDialPlan, type DialPlan } from './dial-plan.js'
import { DigestAuthenticator } from './digest-authenticator.js'
import { KeepAlive } from './keep-alive.js'
import { PeerFlow } from './peer-flow.js'
import { checkSources, type Lookup, Policy } from './policy.js'
import { Registration } from './registration.js'
import type { RegistrationState } from './registration-state.js'
import { parseRoute } from './route.js'
import { resolveTarget, type Target } from './target.js'
import { protocolOf, transportIn } from './uri-protocol.js'

/** The settings that an account needs; the engine's AccountConfig fits. */
export interface AccountInit {
  id: string
  aor: string
  displayName: string
  authUser: string
  password: string
  /** The only realm that gets credentials. Absent or '': the realms that the registrar and the proxies name in their challenges. */
  realm?: string
  registrar: string
  register: boolean
  expiresSec: number
  maxCalls: number
  anyUser?: boolean
  inboundFrom: 'known' | 'anyone'
  allowedSources: readonly string[]
  /** The answer to callers that are not allowed; absent: silence. */
  strangers?: 'silence' | '403'
  dialPlan?: DialPlan
  proxy: { hops: readonly string[] } | null
  /** Whether the Contact takes the address that the registrar sees; absent: yes. */
  rewriteContact?: boolean
  /** Whether the registrar is offered to reach us by the flow that we register over, and to give us a GRUU (RFC 5626, 5627); absent: yes. */
  outbound?: boolean
  /** Longest time between two keep-alives; 0: none. Absent: 25 s by UDP, and the pings of connections every 95 to 120 s. */
  keepAliveMs?: number
  /** An account that does not register keeps a flow to its next hop open; absent: no. */
  keepFlow?: boolean
  /** Contacts of the same account at an earlier address, which the registrar may still have. */
  oldContacts?: readonly string[]
  /** Transport protocol of requests whose URI does not name one. */
  protocol?: 'auto' | SipProtocol
  /** PRACK; absent: supported. */
  reliableProvisional?: 'off' | 'supported' | 'required'
  /** Session interval that calls ask for; 0: none. Absent: 1800. */
  sessionExpiresSec?: number
}

export interface AccountDeps {
  clock: Clock
  log: Logger
  endpoint: Pick<SipEndpoint, 'createUserAgent' | 'advertised' | 'publicAddress'>
  lookup: Lookup
  /** Number of this account's calls that have not ended, in both directions. */
  activeCalls: () => number
  invite: (invite: IncomingInvite) => void
  decidesAtOnce: () => boolean
  /** MESSAGE. Absent: refused. */
  request?: RequestHandler
  /** SUBSCRIBE. Absent: refused. */
  subscription?: (incoming: IncomingSubscription) => void
  registration: (state: RegistrationState) => void
}

/** The checked settings that name hosts: known before a socket is opened. */
export interface AccountPeers {
  aor: Aor
  /** Request-URI of REGISTER. */
  registrar: string
  routeSet: string[]
  /** The route set of requests to the account's own domain, if another server than the registrar bears its name. */
  homeRouteSet: string[]
  /** Destination of the first packet: the first proxy, or the registrar. */
  next: { host: string; port: number }
  /** Registrar and proxies, without ports. */
  hosts: string[]
  /** From the settings, else from the URI of the first proxy or registrar. */
  protocol: SipProtocol | undefined
}

const MAX_EXPIRES_SEC = 86_400
/** RFC 4028 4 */
const SESSION_EXPIRES_SEC = 1800

/** Throws BAD_CONFIG with the reason if a setting cannot be used. */
export function checkAccount(init: AccountInit): AccountPeers {
  const aor = parseAor(init.aor)
  const registrarText = init.registrar.trim() || aor.uri.replace(/:.*@/, ':')
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
  // RFC 3261 10.2: no user part in the Request-URI; the port only if the setting has one (otherwise SRV decides).
  const port = /(?:^|[^:]):\d+(?:;|$)/.test(registrarText.replace(/^sips?:/i, '')) ? `:${registrar.port}` : ''
  const named = protocolOf(registrarText)
  const first = hops[0] ? protocolOf(hops[0].route) : named
  const protocol = init.protocol === undefined || init.protocol === 'auto' ? first : init.protocol
  const [scheme = 'sip:'] = /^sips?:/i.exec(registrarText) ?? []
  const transport = transportIn(registrarText)
  const registrarUri = `${scheme.toLowerCase()}${uriHost(registrar.host)}${port}${transport ? `;transport=${transport}` : ''}`
  // RFC 3261 19.1.2
  const usualPort = protocol === 'tls' ? 5061 : 5060
  return {
    aor,
    registrar: registrarUri,
    homeRouteSet: hops.length === 0 && !isServer(registrar, aor.domain) ? [`<${registrarUri};lr>`] : [],
    routeSet: hops.map((hop) => hop.route),
    next: parseHostPort(hops[0]?.route ?? registrarText, usualPort) ?? registrar,
    hosts: [...new Set([registrar.host, ...hops.map((hop) => hop.host)])],
    protocol,
  }
}

/** Identity and policy of one telephone subscriber: accepted requests, registration, resolution of targets. */
export class Account {
  readonly id: string
  readonly peers: AccountPeers
  readonly userAgent: UserAgent
  readonly #policy: Policy
  readonly #registration: Registration
  readonly #clock: Clock
  readonly #keepAlive: KeepAlive
  readonly #peerFlow: PeerFlow | undefined
  readonly #wantsRegistration: boolean
  #closing: Promise<void> | undefined
  #isStopped = false
  /** Source address of the answer to our last registration. */
  #registeredOver: SipAddress | undefined

  constructor(deps: AccountDeps, init: AccountInit) {
    const { clock, lookup, activeCalls } = deps
    this.#clock = clock
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
    const { aor, homeRouteSet } = this.peers
    const contactUser = contactUserOf(init.id, aor.uri)
    this.userAgent = deps.endpoint.createUserAgent({
      aor: aor.uri,
      displayName: init.displayName,
      contactUser,
      anyUser: init.anyUser ?? false,
      ...(this.peers.protocol ? { protocol: this.peers.protocol } : {}),
      routeSet: this.peers.routeSet,
      // The registrar serves the domain, whose name need not be the name of a host.
      ...(homeRouteSet.length > 0 && { home: { domain: aor.domain, routeSet: homeRouteSet } }),
      authenticator: new DigestAuthenticator(
        {},
        { username: init.authUser || aor.user, password: init.password },
        { realm: init.realm ?? '', viaProxy: this.peers.routeSet.length > 0, isOurs: (host) => this.#isOurs(host) },
      ),
      sources: this.#policy.sources,
      reliableProvisional: init.reliableProvisional ?? 'supported',
      sessionExpiresSec: init.sessionExpiresSec ?? SESSION_EXPIRES_SEC,
      handlers: {
        admit: (request) => this.#policy.admit(request),
        invite: deps.invite,
        decidesAtOnce: deps.decidesAtOnce,
        ...(deps.request && { request: deps.request }),
        ...(deps.subscription && { subscription: deps.subscription }),
        flowLost: (peer) => this.#flowLost(peer),
      },
    })
    const instance = init.outbound === false ? undefined : instanceOf(init.id, aor.uri)
    this.#registration = new Registration(
      {
        clock,
        log,
        userAgent: this.userAgent,
        ...(init.rewriteContact !== false && { repair: new ContactRepair(clock) }),
      },
      {
        aor: aor.uri,
        registrar: this.peers.registrar,
        host: deps.endpoint.advertised.host,
        expiresSec: init.expiresSec,
        oldContacts: init.oldContacts ?? [],
        ...(instance && { instance }),
      },
    )
    this.#keepAlive = new KeepAlive({
      clock,
      send: (to) => this.userAgent.keepAlive(to),
      ask: (to) => deps.endpoint.publicAddress(to),
      lost: () => this.#registration.transportLost(),
    })
    if (!init.register && init.keepFlow) {
      this.#peerFlow = new PeerFlow({
        clock,
        log,
        open: () => this.userAgent.openFlow(this.peers.registrar),
        opened: (peer) => this.#keepAlive.start(peer, longest(init.keepAliveMs)),
      })
    }
    this.#registration.on('state', (state) => {
      if (state.state === 'idle') {
        this.#keepAlive.stop()
        this.userAgent.setBinding(undefined)
      }
      deps.registration(state)
    })
    this.#registration.on('answer', (response) => {
      if (isLocal(response) || response.status >= 300) return
      this.#policy.learn(response.source.host)
      this.#registeredOver = response.source
      const binding = bindingOf(response, instance ?? '')
      this.userAgent.setBinding(binding)
      const { flowTimerMs, isOutbound } = binding
      this.#keepAlive.start(response.source, { byStun: isOutbound, ...longest(init.keepAliveMs, flowTimerMs) })
    })
  }

  get registrationState(): RegistrationState {
    return this.#registration.state
  }

  /** Not empty after `close`: the registrar still has these bindings. */
  get boundContacts(): readonly string[] {
    return this.#registration.boundContacts
  }

  start(): void {
    void this.#policy.start()
    if (this.#wantsRegistration) this.#registration.register()
    void this.#peerFlow?.start()
  }

  #isOurs(host: string): boolean {
    const { hosts, aor } = this.peers
    return hosts.includes(host) || parseHostPort(aor.domain)?.host === host || this.#policy.isPeer(host)
  }

  /** `plan` is an argument because it may change during the life of the account. */
  target(text: string, plan?: DialPlan): Target {
    return resolveTarget(text, this.peers.aor.domain, plan)
  }

  /** Known peers may assert identities (RFC 3325 5). */
  isKnown(address: string): boolean {
    return this.#policy.isKnown(address)
  }

  /** The address outside of the NAT is known, or another one: the Contact takes it, and the account registers with it. */
  publish(address: HostPort): void {
    this.#registration.publish(address)
  }

  register(): void {
    this.#registration.register()
  }

  unregister(): Promise<void> {
    return this.#registration.unregister()
  }

  /** RFC 5626 4.4: inbound calls arrived over the lost connection, so the account registers again over a new one. */
  #flowLost(peer: SipAddress): void {
    this.#peerFlow?.lost(peer)
    const over = this.#registeredOver
    if (over?.protocol !== peer.protocol || over.host !== peer.host || over.port !== peer.port) return
    this.#registration.transportLost()
  }

  /** Unregisters for at most `limitMs`, then stops. Idempotent. */
  close(limitMs: number): Promise<void> {
    this.#closing ??= within(limitMs, this.#registration.unregister(), this.#clock).then(() => this.stop())
    return this.#closing
  }

  /** Accepts no more requests and sends nothing to the registrar; existing dialogs continue. Idempotent. */
  stop(): void {
    if (this.#isStopped) return
    this.#isStopped = true
    this.#policy.close()
    this.#keepAlive.stop()
    this.#peerFlow?.close()
    this.#registration.close()
    this.userAgent.close()
  }
}

function isServer({ host, port }: HostPort, domain: string): boolean {
  const named = parseHostPort(domain)
  return named?.host === host && named.port === port
}

/**
 * An account has the same user at every start: after a crash its REGISTER replaces the old binding. A random user would add a
 * second binding, which registrars with a limit refuse.
 */
const contactUserOf = (accountId: string, aor: string): string =>
  createHash('sha256').update(`${accountId} ${aor}`).digest('hex').slice(0, 16)

/** RFC 5626 4.1: the same at every start, so that a registration replaces the earlier one. */
const instanceOf = (accountId: string, aor: string): string => `urn:uuid:${v5(`${accountId} ${aor}`, v5.URL)}`

/** The shorter one of the configured time and of the registrar's (RFC 5626 10.1). */
function longest(configuredMs: number | undefined, registrarMs?: number): { longestMs?: number } {
  if (configuredMs === undefined) return registrarMs === undefined ? {} : { longestMs: registrarMs }
  return {
    longestMs: registrarMs === undefined || configuredMs === 0 ? configuredMs : Math.min(configuredMs, registrarMs),
  }
}

const badConfig = (message: string): TelephonyError => new TelephonyError('BAD_CONFIG', message)
