import { networkInterfaces } from 'node:os'
import type { Clock } from '../base/clock.js'
import { TelephonyError } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import { Accounts } from './accounts.js'
import { AccountCore, SharedMaps } from './core/account-core.js'
import { applyCoreSettings, QuietLoggerFactory } from './core/core-settings.js'
import { Dispatcher } from './dispatcher.js'
import { Inbound } from './inbound.js'
import { checkText } from './message/header-check.js'
import { Router } from './router.js'
import { maskCredentials } from './trace.js'
import type { Destination } from './transaction/client-transactions.js'
import { type Resolve, resolveBySystem } from './transport/resolver.js'
import { type Datagrams, openUdp } from './transport/udp.js'
import type { SipAddress, SipEndpoint, SipEndpointInit, SipTraceLine, UserAgent, UserAgentInit } from './types.js'
import { escapeDisplayName, parseNameAddr } from './uri/name-addr.js'
import { parseUri, type SipUri } from './uri/sip-uri.js'
import type { AccountContext, DialogReceiver } from './user-agent/account-context.js'
import { AccountUserAgent } from './user-agent/account-user-agent.js'

export interface SipEndpointDeps {
  clock: Clock
  log: Logger
  /** Every message as it went over the wire, credentials masked. */
  trace?: (line: SipTraceLine) => void
  /** Default: the system's resolver. */
  resolve?: Resolve
}

/** Binds the socket; rejects with TRANSPORT and a message that says what to do where that fails. */
export async function openSipEndpoint(deps: SipEndpointDeps, init: SipEndpointInit): Promise<SipEndpoint> {
  applyCoreSettings()
  const endpoint = new UdpEndpoint(deps, init)
  await endpoint.open()
  return endpoint
}

class UdpEndpoint implements SipEndpoint {
  readonly #deps: SipEndpointDeps
  readonly #init: SipEndpointInit
  readonly #maps = new SharedMaps()
  readonly #accounts = new Accounts()
  readonly #dialogs = new Map<string, DialogReceiver>()
  readonly #closing = new Set<() => void>()
  readonly #loggers = new QuietLoggerFactory()
  readonly #router: Router
  readonly #inbound: Inbound
  #datagrams!: Datagrams
  #closed: Promise<void> | undefined

  constructor(deps: SipEndpointDeps, init: SipEndpointInit) {
    const { clock, log, resolve = resolveBySystem } = deps
    this.#deps = deps
    this.#init = { ...init, userAgent: checkText('User-Agent', init.userAgent) }
    this.#router = new Router({ clock, log, resolve, write: (text, to) => this.#write(text, to) })
    const { clients, servers } = this.#router
    const dispatcher = new Dispatcher({
      log,
      accounts: this.#accounts,
      maps: this.#maps,
      dialogs: this.#dialogs,
      clients,
      servers,
      reply: (request, options) => void this.#inbound.reply(request.fields, options),
    })
    this.#inbound = new Inbound({
      log,
      request: (message) => dispatcher.receiveRequest(message),
      response: (message) => dispatcher.receiveResponse(message),
      send: (text) => this.#router.send(text),
    })
  }

  async open(): Promise<void> {
    const receive = (bytes: Buffer, from: Destination): void => this.#receive(bytes, from)
    this.#datagrams = await openUdp({ log: this.#deps.log, receive }, this.#init)
  }

  get local(): SipAddress {
    return { protocol: 'udp', ...this.#datagrams.local }
  }

  get advertised(): { host: string; port: number } {
    const { host, port } = this.#datagrams.local
    const { advertise } = this.#init
    return { host: advertise?.host ?? reachable(host), port: advertise?.port ?? port }
  }

  createUserAgent(init: UserAgentInit): UserAgent {
    if (this.#closed) throw new TelephonyError('CLOSED', 'the SIP endpoint is closed')
    const context = this.#accountContext(init)
    const agent: AccountUserAgent = new AccountUserAgent(context, () => this.#accounts.remove(agent))
    if (this.#accounts.add(agent)) return agent
    throw new TelephonyError('BAD_CONFIG', `another account of this endpoint has the Contact user ${init.contactUser}`)
  }

  close(): Promise<void> {
    this.#closed ??= this.#closeAll()
    return this.#closed
  }

  #closeAll(): Promise<void> {
    for (const close of [...this.#closing]) close()
    // sip.js' timers would keep the process alive; disposing of a user agent stops those of its transaction.
    for (const client of [...this.#maps.clients.values()]) client.dispose()
    for (const server of [...this.#maps.servers.values()]) server.dispose()
    for (const dialog of [...this.#maps.dialogs.values()]) dialog.dispose()
    this.#router.close()
    return this.#datagrams.close()
  }

  #accountContext(init: UserAgentInit): AccountContext {
    const { clock, log } = this.#deps
    const aor = accountUri(init.aor)
    const { host, port } = this.advertised
    const contactUri = accountUri(`sip:${init.contactUser}@${host}:${port}`)
    for (const route of init.routeSet) {
      if (!parseNameAddr(route))
        throw new TelephonyError('BAD_CONFIG', `${JSON.stringify(route)} is no route: <sip:proxy;lr>`)
    }
    const core = new AccountCore(
      {
        maps: this.#maps,
        reply: (request, options) => this.#inbound.reply(request.fields, options),
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
        viaHost: `${host}:${port}`,
        authenticationFactory: () => undefined, // ours answers challenges, see CredentialsRound
        transportAccessor: () => this.#router,
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
      dialogs: this.#dialogs,
      closing: this.#closing,
    }
  }

  #receive(bytes: Buffer, from: Destination): void {
    if (isKeepAlive(bytes)) return
    if (this.#deps.trace) this.#traceLine('in', bytes.toString('utf8'), from)
    this.#inbound.receive(bytes, { protocol: 'udp', ...from })
  }

  #write(text: string, to: Destination): Promise<void> {
    if (this.#deps.trace) this.#traceLine('out', text, to)
    return this.#datagrams.send(text, to.host, to.port)
  }

  #traceLine(direction: 'in' | 'out', text: string, remote: Destination): void {
    const { host, port } = this.#datagrams.local
    this.#deps.trace?.({
      at: this.#deps.clock.wall(),
      direction,
      local: `${host}:${port}`,
      remote: `${remote.host}:${remote.port}`,
      text: maskCredentials(text),
    })
  }
}

/** RFC 5626 4.4.1 and what NAT boxes and phones send instead: line breaks, zeros. */
const isKeepAlive = (bytes: Buffer): boolean =>
  bytes.length <= 8 && bytes.every((octet) => octet === 13 || octet === 10 || octet === 0)

function accountUri(text: string): SipUri {
  const uri = parseUri(text)
  if (uri && uri.parts.host !== '') return uri
  throw new TelephonyError('BAD_CONFIG', `${JSON.stringify(text)} is no SIP address`)
}

/** What peers can use instead of 0.0.0.0. */
function reachable(host: string): string {
  if (host !== '0.0.0.0') return host
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  return addresses.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1'
}
