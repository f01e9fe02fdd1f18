import type { Clock } from '../base/clock.js'
import { TelephonyError } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import { readable, textOf } from '../base/octets.js'
import { AccountUserAgent } from './account-user-agent.js'
import { Accounts } from './accounts.js'
import { SourceLimits } from './admission/source-limits.js'
import { DialogIndex } from './dialog/dialog-index.js'
import { Dispatcher } from './dispatcher.js'
import { Inbound } from './inbound.js'
import { checkText } from './message/header-check.js'
import { idleOctets } from './message/idle-octets.js'
import { Router } from './router.js'
import { Sender } from './sender.js'
import { maskCredentials } from './trace.js'
import { Transactions } from './transaction/transactions.js'
import { hostPort, reachable, uriHost } from './transport/address.js'
import { openTransports } from './transport/open-transports.js'
import { cached, type Resolve, resolveBySystem } from './transport/resolver.js'
import type { SipTransport } from './transport/transport.js'
import type { SipAddress, SipEndpoint, SipEndpointInit, SipTraceLine, UserAgent, UserAgentInit } from './types.js'
import { type NameAddress, parseNameAddress } from './uri/name-address.js'
import { parseUri, type SipUri } from './uri/sip-uri.js'
import { type AccountContext, guarded } from './user-agent/account-context.js'

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
  const endpoint = new SocketEndpoint(deps, init)
  await endpoint.open()
  return endpoint
}

class SocketEndpoint implements SipEndpoint {
  readonly #deps: SipEndpointDeps
  readonly #init: SipEndpointInit
  readonly #accounts = new Accounts()
  readonly #dialogs = new DialogIndex()
  readonly #transactions: Transactions
  readonly #router: Router
  readonly #sender: Sender
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
      advertised: () => this.advertised,
      trace: (text, to) => this.#traceLine('out', text, to),
    })
    this.#transactions = new Transactions({ clock, log })
    this.#sender = new Sender({ clock, router: this.#router, transactions: this.#transactions })
    const flowBack: Router['flowBack'] = (via, source) => this.#router.flowBack(via, source)
    const dispatcher = new Dispatcher({
      clock,
      log,
      services: [this.#accounts],
      dialogs: this.#dialogs,
      transactions: this.#transactions,
      limits: new SourceLimits(clock),
      reply: (request, refusal) => this.#inbound.reply(request, refusal),
      flowBack,
    })
    this.#inbound = new Inbound({
      log,
      request: (message) => dispatcher.receiveRequest(message),
      response: (message) => dispatcher.receiveResponse(message),
      answers: (source) => dispatcher.answers(source),
      flowBack,
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
    this.#dialogs.close()
    this.#sender.close('Endpoint closed')
    this.#transactions.close('Endpoint closed')
    await Promise.all(this.#transports.map((transport) => transport.close()))
  }

  /** A connection has ended: requests without an answer there will have none (RFC 3261 8.1.3.1, 17.1.4). */
  #lost(peer: SipAddress, wasOurs: boolean): void {
    this.#transactions.flowEnded(peer, `the connection to ${hostPort(peer)} has ended`)
    if (!wasOurs) return
    for (const { init } of this.#accounts.all()) {
      guarded(this.#deps.log, 'flowLost', () => init.handlers.flowLost?.(peer))
    }
  }

  #accountContext(init: UserAgentInit): AccountContext {
    const { clock, log } = this.#deps
    const { host, port } = this.advertised
    const prefer = init.protocol ?? (this.local.protocol === 'udp' ? undefined : this.local.protocol)
    // RFC 3263 4.1: without the parameter it is UDP.
    const parameter = prefer === undefined || prefer === 'udp' ? '' : `;transport=${prefer}`
    const contactUri = accountUri(`sip:${init.contactUser}@${uriHost(host)}:${port}${parameter}`)
    const { userAgent } = this.#init
    checkText('display name', init.displayName)
    return {
      clock,
      log,
      init,
      aor: accountUri(init.aor),
      contactUri: contactUri.text,
      contactLine: `Contact: <${contactUri.text}>`,
      // RFC 3261 20.41: optional, but never empty.
      userAgentLines: userAgent === '' ? [] : [`User-Agent: ${userAgent}`],
      prefer,
      sender: this.#sender,
      dialogs: this.#dialogs,
      canReach: (uri) => this.#router.canReach(uri),
      keepAlive: (to) => this.#router.keepAlive(to),
      routeSetTo: routesOf(init),
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

/** RFC 3261 8.1.2: the route set by target. Requests to the own domain may have another one; only host and port of the URI count. */
function routesOf({ routeSet, home }: UserAgentInit): (target: SipUri) => readonly NameAddress[] {
  const routes = routeSet.map(checkedRoute)
  if (!home) return () => routes
  const homeRoutes = home.routeSet.map(checkedRoute)
  const domain = authorityOf(accountUri(`sip:${home.domain}`))
  return (target) => (authorityOf(target) === domain ? homeRoutes : routes)
}

const DEFAULT_PORT = 5060

const authorityOf = ({ host, port }: SipUri): string => `${host}:${port ?? DEFAULT_PORT}`

function checkedRoute(text: string): NameAddress {
  const route = parseNameAddress(text)
  if (route) return route
  throw new TelephonyError(
    'BAD_CONFIG',
    `${JSON.stringify(text)} is not a route. Use one like <sip:proxy.example.com;lr>`,
  )
}

function accountUri(text: string): SipUri {
  const uri = parseUri(text)
  if (uri && uri.host !== '') return uri
  throw new TelephonyError('BAD_CONFIG', `${JSON.stringify(text)} is not a SIP address`)
}
