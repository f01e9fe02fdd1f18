import type { Clock } from '../base/clock.js'
import { TelephonyError } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import { readable, textOf } from '../base/octets.js'
import { TransientMap } from '../base/transient-map.js'
import { Accounts } from './accounts.js'
import { SourceLimits } from './admission/source-limits.js'
import { AccountCore, SharedMaps } from './core/account-core.js'
import { applyCoreSettings, QuietLoggerFactory } from './core/core-settings.js'
import { ConnectionEnded } from './core/user-agent-clients.js'
import { Dispatcher } from './dispatcher.js'
import { Inbound } from './inbound.js'
import { checkText } from './message/header-check.js'
import { idleOctets } from './message/idle-octets.js'
import { Router } from './router.js'
import { maskCredentials } from './trace.js'
import { hostPort, reachable, uriHost } from './transport/address.js'
import { openTransports } from './transport/open-transports.js'
import { cached, type Resolve, resolveBySystem } from './transport/resolver.js'
import type { SipTransport } from './transport/transport.js'
import type { SipAddress, SipEndpoint, SipEndpointInit, SipTraceLine, UserAgent, UserAgentInit } from './types.js'
import { escapeDisplayName, parseNameAddr } from './uri/name-addr.js'
import { parseUri, type SipUri } from './uri/sip-uri.js'
import { type AccountContext, Closers, type DialogReceiver, guarded } from './user-agent/account-context.js'
import { AccountUserAgent } from './user-agent/account-user-agent.js'

export interface SipEndpointDeps {
  clock: Clock
  log: Logger
  /** Every message as it went over the wire, credentials masked. */
  trace?: (line: SipTraceLine) => void
  /** Default: the system's resolver. */
  resolve?: Resolve
}

/** Binds the sockets; rejects with TRANSPORT and a message that says what to do where that fails. */
export async function openSipEndpoint(deps: SipEndpointDeps, init: SipEndpointInit): Promise<SipEndpoint> {
  applyCoreSettings()
  const endpoint = new SocketEndpoint(deps, init)
  await endpoint.open()
  return endpoint
}

class SocketEndpoint implements SipEndpoint {
  readonly #deps: SipEndpointDeps
  readonly #init: SipEndpointInit
  readonly #maps = new SharedMaps()
  readonly #accounts = new Accounts()
  readonly #dialogs = new TransientMap<string, DialogReceiver>()
  readonly #closing = new Closers()
  readonly #loggers = new QuietLoggerFactory()
  readonly #router: Router
  readonly #inbound: Inbound
  readonly #transports: SipTransport[] = []
  #closed: Promise<void> | undefined

  constructor(deps: SipEndpointDeps, init: SipEndpointInit) {
    const { clock, log, resolve = resolveBySystem } = deps
    this.#deps = deps
    this.#init = { ...init, userAgent: checkText('User-Agent', init.userAgent) }
    this.#router = new Router({
      clock,
      log,
      resolve: cached(resolve, clock),
      transports: this.#transports,
      trace: (text, to) => this.#traceLine('out', text, to),
    })
    const { clients, servers } = this.#router
    const dispatcher = new Dispatcher({
      clock,
      log,
      accounts: this.#accounts,
      maps: this.#maps,
      dialogs: this.#dialogs,
      clients,
      servers,
      limits: new SourceLimits(clock),
      reply: (request, options) => void this.#inbound.reply(request, options),
      canReach: (uri) => this.#router.canReach(uri),
    })
    this.#inbound = new Inbound({
      log,
      request: (message) => dispatcher.receiveRequest(message),
      response: (message) => dispatcher.receiveResponse(message),
      answers: (source) => dispatcher.answers(source),
      send: (text, source) => this.#router.answer(text, source),
    })
  }

  async open(): Promise<void> {
    const { clock, log } = this.#deps
    const receive = (bytes: Buffer, from: SipAddress): void => this.#receive(bytes, from)
    const refuse: Inbound['refuse'] = (...refused) => this.#inbound.refuse(...refused)
    const lost = (peer: SipAddress, wasOurs: boolean): void => this.#lost(peer, wasOurs)
    this.#transports.push(...(await openTransports({ clock, log, receive, refuse, lost }, this.#init)))
  }

  get local(): SipAddress {
    const [first] = this.#transports
    if (!first) throw new TelephonyError('WRONG_STATE', 'the SIP endpoint is not open yet')
    return first.local
  }

  get advertised(): { host: string; port: number } {
    const { host, port } = this.local
    const { advertise } = this.#init
    return { host: advertise?.host ?? reachable(host), port: advertise?.port ?? port }
  }

  createUserAgent(init: UserAgentInit): UserAgent {
    if (this.#closed) throw new TelephonyError('CLOSED', 'the SIP endpoint is closed')
    const context = this.#accountContext(init)
    const agent = new AccountUserAgent(context, this.#accounts)
    if (this.#accounts.add(agent)) return agent
    throw new TelephonyError('BAD_CONFIG', `another account of this endpoint has the Contact user ${init.contactUser}`)
  }

  close(): Promise<void> {
    this.#closed ??= this.#closeAll()
    return this.#closed
  }

  async #closeAll(): Promise<void> {
    this.#closing.closeAll()
    // sip.js' timers would keep the process alive; disposing of a user agent stops those of its transaction.
    for (const client of [...this.#maps.clients.values()]) client.dispose()
    for (const server of [...this.#maps.servers.values()]) server.dispose()
    for (const dialog of [...this.#maps.dialogs.values()]) dialog.dispose()
    this.#router.close()
    await Promise.all(this.#transports.map((transport) => transport.close()))
  }

  /** A connection has ended: what nobody has answered there will not be answered (RFC 3261 8.1.3.1, 17.1.4). */
  #lost(peer: SipAddress, wasOurs: boolean): void {
    for (const { branch, method } of this.#router.clients.unansweredBy(peer)) {
      this.#router.clients.forget(branch, method)
      const client = this.#maps.clients.get(branch + method)
      if (client) failTransaction(client.transaction, `the connection to ${hostPort(peer)} has ended`)
    }
    if (!wasOurs) return
    for (const { init } of this.#accounts.all()) {
      guarded(this.#deps.log, 'flowLost', () => init.handlers.flowLost?.(peer))
    }
  }

  #accountContext(init: UserAgentInit): AccountContext {
    const { clock, log } = this.#deps
    const aor = accountUri(init.aor)
    const { host, port } = this.advertised
    const prefer = init.protocol ?? (this.local.protocol === 'udp' ? undefined : this.local.protocol)
    const transport = this.#router.forAccount(prefer)
    // RFC 3263 4.1: without the parameter it is UDP.
    const parameter = prefer === undefined || prefer === 'udp' ? '' : `;transport=${prefer}`
    const contactUri = accountUri(`sip:${init.contactUser}@${uriHost(host)}:${port}${parameter}`)
    for (const route of [...init.routeSet, ...(init.home?.routeSet ?? [])]) {
      if (!parseNameAddr(route))
        throw new TelephonyError('BAD_CONFIG', `${JSON.stringify(route)} is no route: <sip:proxy;lr>`)
    }
    const core = new AccountCore(
      {
        maps: this.#maps,
        reply: (request, options) => this.#inbound.reply(request, options),
        ...(init.home && { home: { ...init.home, domain: accountUri(`sip:${init.home.domain}`) } }),
      },
      {
        aor,
        contact: { uri: contactUri, pubGruu: undefined, tempGruu: undefined, toString: () => `<${contactUri.text}>` },
        displayName: escapeDisplayName(checkText('display name', init.displayName)),
        loggerFactory: this.#loggers,
        hackViaTcp: false,
        routeSet: [...init.routeSet],
        sipjsId: '',
        supportedOptionTags: [],
        supportedOptionTagsResponse: [],
        userAgentHeaderFieldValue: this.#init.userAgent,
        viaForceRport: true,
        viaHost: `${uriHost(host)}:${port}`,
        authenticationFactory: () => undefined, // ours answers challenges, see CredentialsRound
        transportAccessor: () => transport,
      },
    )
    return {
      clock,
      log,
      core,
      init,
      aor,
      contactUri: contactUri.text,
      clients: this.#router.clients,
      keepAlive: (to) => this.#router.keepAlive(to),
      canReach: (uri) => this.#router.canReach(uri),
      dialogs: this.#dialogs,
      inviting: this.#maps.inviting,
      byPeer: this.#maps.byPeer,
      closing: this.#closing,
    }
  }

  #receive(bytes: Buffer, from: SipAddress): void {
    if (idleOctets(bytes) === bytes.length) return // a keep-alive of a NAT box or telephone
    if (this.#deps.trace) this.#traceLine('in', textOf(bytes), from)
    this.#inbound.receive(bytes, from)
  }

  #traceLine(direction: 'in' | 'out', text: string, remote: SipAddress): void {
    this.#deps.trace?.({
      at: this.#deps.clock.wall(),
      direction,
      local: hostPort(this.local),
      remote: hostPort(remote),
      text: maskCredentials(readable(text)),
    })
  }
}

/** sip.js' own way to tell a transaction that its request did not get through; declared protected. */
function failTransaction(transaction: object, reason: string): void {
  ;(transaction as { onTransportError(error: Error): void }).onTransportError(new ConnectionEnded(reason))
}

function accountUri(text: string): SipUri {
  const uri = parseUri(text)
  if (uri && uri.parts.host !== '') return uri
  throw new TelephonyError('BAD_CONFIG', `${JSON.stringify(text)} is no SIP address`)
}
