import type { Clock } from '../base/clock.js'
import { TelephonyError } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import { isUnicast } from '../base/unicast.js'
import { MAX_DATAGRAM_REQUEST_OCTETS } from './message/limits.js'
import type { OutgoingRequest } from './message/outgoing-request.js'
import type { Via } from './message/via.js'
import { familyOf, hostPort, literalAddress, uriHost } from './transport/address.js'
import type { Flow } from './transport/flow.js'
import { notOneMachine, unreachable } from './transport/reach.js'
import type { Resolve } from './transport/resolver.js'
import type { SipTransport } from './transport/transport.js'
import type { SipAddress, SipProtocol } from './types.js'
import type { SipUri } from './uri/sip-uri.js'

const DEFAULT_PORT = 5060
/** How long a peer is taken not to listen on TCP. */
const NO_TCP_MS = 600_000
const MAX_NO_TCP = 1_000

interface RouterDeps {
  clock: Clock
  log: Logger
  resolve: Resolve
  /** Those that are open, the first is preferred. */
  transports: readonly SipTransport[]
  /** Our host and port as peers use them. */
  advertised: () => { host: string; port: number }
  /** Sees each message before it is sent. */
  trace(text: string, to: SipAddress): void
}

/** Where a request goes before its host is resolved. `forced`: by its URI, so nothing else will do. */
interface Target {
  protocol: SipProtocol
  host: string
  port: number
  forced: boolean
}

/**
 * Finds the flow that a message leaves by: of a request by its next hop (RFC 3261 8.1.2, 18.1.1), of a response by where the request came
 * from (18.2.2). What it rejects with becomes a 503 (8.1.3.1).
 */
export class Router {
  readonly #deps: RouterDeps
  /** Peers that have refused a connection, and until when. */
  readonly #noTcp = new Map<string, number>()
  #sentBy = ''

  constructor(deps: RouterDeps) {
    this.#deps = deps
  }

  /** Whether a request can leave for that URI at all; whether its name can be resolved shows when it is sent. */
  canReach(uri: SipUri): boolean {
    return unreachable(uri, this.#deps.transports) === undefined
  }

  /**
   * Synchronous if nothing has to be resolved and no connection has to be tried. `prefer`: where the URI does not say. Throws or rejects
   * with TRANSPORT.
   */
  flowTo(request: OutgoingRequest, prefer?: SipProtocol): Flow | Promise<Flow> {
    const target = this.#target(request.nextHop, prefer)
    const host = literalAddress(target.host)
    if (host === undefined) return this.#resolve(request, target, prefer)
    return this.#choose(request, { ...target, host }, prefer)
  }

  /**
   * RFC 3261 18.2.2 with RFC 3581 4: back to the source; by datagrams to the port of the Via, unless the sender asked for the port that it
   * used. A connection that has ended in the meantime is made anew, to where the peer listens.
   */
  flowBack(via: Via, source: SipAddress): Flow {
    const { protocol, host } = source
    const listens = via.port ?? DEFAULT_PORT
    if (protocol === 'udp') return this.#flow({ protocol, host, port: via.rport === undefined ? listens : source.port })
    return new WayBack(this, this.#sentByText(), { source, fallback: { protocol, host, port: listens } })
  }

  isConnected(to: SipAddress): boolean {
    return this.#transport(to.protocol)?.isConnected(to) ?? false
  }

  keepAlive(to: SipAddress): void {
    this.#transport(to.protocol)
      ?.send('\r\n\r\n', to)
      .catch((error) => this.#deps.log.debug({ err: error }, 'a keep-alive could not be sent'))
  }

  suspect(to: SipAddress, silentMs: number): void {
    this.#transport(to.protocol)?.suspect(to, silentMs)
  }

  async write(text: string, to: SipAddress): Promise<void> {
    const transport = this.#transport(to.protocol)
    if (!transport) throw new TelephonyError('TRANSPORT', `this transport does not speak ${to.protocol}`)
    const ours = familyOf(transport.local.host)
    if (familyOf(to.host) !== ours) {
      throw new TelephonyError('TRANSPORT', `${to.host}: this transport speaks IPv${ours} only`)
    }
    // A name can lead to such an address too.
    if (!isUnicast(to.host)) throw new TelephonyError('TRANSPORT', notOneMachine(to.host))
    this.#deps.trace(text, to)
    return transport.send(text, to)
  }

  async #resolve(request: OutgoingRequest, target: Target, prefer: SipProtocol | undefined): Promise<Flow> {
    const { resolve, transports } = this.#deps
    const host = await resolve(target.host, familyOf(transports[0]?.local.host ?? ''))
    return this.#choose(request, { ...target, host }, prefer)
  }

  /** The protocol for this address; a request that is too large for a datagram goes by TCP where the peer takes it. */
  #choose(request: OutgoingRequest, target: Target, prefer: SipProtocol | undefined): Flow | Promise<Flow> {
    const { host, port, forced } = target
    const to: SipAddress = { protocol: target.protocol, host, port }
    const tcp = to.protocol === 'udp' ? this.#transport('tcp') : undefined
    if (!tcp) return this.#flow(to)
    const overTcp: SipAddress = { ...to, protocol: 'tcp' }
    if (!forced && prefer === undefined && tcp.isConnected(overTcp)) return this.#flow(overTcp)
    if (request.octets <= MAX_DATAGRAM_REQUEST_OCTETS) return this.#flow(to)
    return tcp.isConnected(overTcp) ? this.#flow(overTcp) : this.#tryTcp(tcp, to, overTcp)
  }

  /** RFC 3261 18.1.1: by TCP; by UDP again where the peer refuses that. */
  async #tryTcp(tcp: SipTransport, overUdp: SipAddress, overTcp: SipAddress): Promise<Flow> {
    const { clock, log } = this.#deps
    const peer = hostPort(overTcp)
    if ((this.#noTcp.get(peer) ?? 0) > clock.now()) return this.#flow(overUdp)
    try {
      await tcp.connect(overTcp)
      return this.#flow(overTcp)
    } catch (error) {
      log.debug({ err: error, peer }, 'no TCP there: a large request goes by UDP')
      if (this.#noTcp.size >= MAX_NO_TCP) this.#noTcp.clear()
      this.#noTcp.set(peer, clock.now() + NO_TCP_MS)
      return this.#flow(overUdp)
    }
  }

  #target(uri: SipUri, prefer: SipProtocol | undefined): Target {
    if (uri.host === '') throw new TelephonyError('TRANSPORT', 'a request without an address to send it to')
    const why = unreachable(uri, this.#deps.transports)
    if (why) throw new TelephonyError('TRANSPORT', why)
    const { host, port = DEFAULT_PORT, params } = uri
    const named = params.get('transport')
    const first = this.#deps.transports[0]?.local.protocol ?? 'udp'
    const protocol = named === undefined ? (prefer ?? first) : (named.toLowerCase() as SipProtocol)
    return { protocol, host, port, forced: named !== undefined }
  }

  #flow(remote: SipAddress): Flow {
    return new Way(this, this.#sentByText(), remote)
  }

  #sentByText(): string {
    if (this.#sentBy === '') {
      const { host, port } = this.#deps.advertised()
      this.#sentBy = `${uriHost(host)}:${port}`.toLowerCase()
    }
    return this.#sentBy
  }

  #transport(protocol: SipProtocol): SipTransport | undefined {
    return this.#deps.transports.find(({ local }) => local.protocol === protocol)
  }
}

/** The way to an address: a datagram socket, or a connection, which is opened if it has to be. */
class Way implements Flow {
  readonly remote: SipAddress
  readonly sentBy: string
  readonly isReliable: boolean
  readonly #router: Router

  constructor(router: Router, sentBy: string, remote: SipAddress) {
    this.#router = router
    this.sentBy = sentBy
    this.remote = remote
    this.isReliable = remote.protocol !== 'udp'
  }

  send(text: string): Promise<void> {
    return this.#router.write(text, this.remote)
  }

  suspect(silentMs: number): void {
    this.#router.suspect(this.remote, silentMs)
  }
}

/** The way back by which a request came over a connection. */
class WayBack implements Flow {
  readonly remote: SipAddress
  readonly sentBy: string
  readonly isReliable = true
  readonly #router: Router
  readonly #fallback: SipAddress

  constructor(router: Router, sentBy: string, init: { source: SipAddress; fallback: SipAddress }) {
    this.#router = router
    this.sentBy = sentBy
    this.remote = init.source
    this.#fallback = init.fallback
  }

  send(text: string): Promise<void> {
    return this.#router.write(text, this.#router.isConnected(this.remote) ? this.remote : this.#fallback)
  }

  suspect(silentMs: number): void {
    this.#router.suspect(this.remote, silentMs)
  }
}
