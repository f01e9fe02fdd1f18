import type { Clock } from '../base/clock.js'
import { TelephonyError } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import { isUnicast } from '../base/unicast.js'
import { MAX_DATAGRAM_REQUEST_OCTETS } from './message/limits.js'
import type { OutgoingRequest } from './message/outgoing-request.js'
import type { Via } from './message/via.js'
import { familyOf, hostPort, literalAddress } from './transport/address.js'
import type { Flow } from './transport/flow.js'
import { notOneMachine, unreachable } from './transport/reach.js'
import type { Resolve } from './transport/resolver.js'
import type { SipTransport } from './transport/transport.js'
import type { SipAddress, SipProtocol } from './types.js'
import { uriHost } from './uri/host.js'
import { DEFAULT_PORT, type SipUri } from './uri/sip-uri.js'

/** After a refused connection, TCP is not tried with this peer for so long. */
const NO_TCP_MS = 600_000
const MAX_NO_TCP = 1_000

interface RouterDeps {
  clock: Clock
  log: Logger
  resolve: Resolve
  /** The open ones; the first is preferred. */
  transports: readonly SipTransport[]
  /** Our host and port as peers use them. */
  advertised: () => { host: string; port: number }
  /** Gets each message before it is sent. */
  trace(text: string, to: SipAddress): void
}

/** Where a request goes, before its host is resolved. `forced`: the URI names the protocol, so no other one is tried. */
interface Target {
  protocol: SipProtocol
  host: string
  port: number
  forced: boolean
}

/**
 * Finds the flow by which a message leaves: for a request by its next hop (RFC 3261 8.1.2, 18.1.1), for a response by the source of its
 * request (18.2.2). An error counts as a 503 (8.1.3.1).
 */
export class Router {
  readonly #deps: RouterDeps
  /** Peers that have refused a connection, and until when. */
  readonly #noTcp = new Map<string, number>()
  #sentBy = ''

  constructor(deps: RouterDeps) {
    this.#deps = deps
  }

  /** Whether our transports and our address family lead to a URI. Its host name is not resolved. */
  canReach(uri: SipUri): boolean {
    return unreachable(uri, this.#deps.transports) === undefined
  }

  /**
   * Synchronous if no name has to be resolved and no connection has to be tried. `prefer`: the protocol if the URI names none. Throws or
   * rejects with TRANSPORT.
   */
  flowTo(request: OutgoingRequest, prefer?: SipProtocol): Flow | Promise<Flow> {
    const target = this.#target(request.nextHop, prefer)
    const host = literalAddress(target.host)
    if (host === undefined) return this.#resolve(request, target, prefer)
    return this.#choose(request, { ...target, host }, prefer)
  }

  /**
   * RFC 3261 18.2.2 with RFC 3581 4: back to the source; over UDP to the port in the Via, unless its `rport` asks for the source port.
   * If the connection has ended meanwhile, a new one is opened to the port in the Via.
   */
  flowBack(via: Via, source: SipAddress): Flow {
    const { protocol, host } = source
    const listens = via.port ?? DEFAULT_PORT
    if (protocol === 'udp') return this.#flow({ protocol, host, port: via.rport === undefined ? listens : source.port })
    return new ConnectionFlow(this, this.#sentByText(), { source, fallback: { protocol, host, port: listens } })
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
    return new AddressFlow(this, this.#sentByText(), remote)
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

/** Leads to an address: by a datagram socket, or by a connection, which is opened if there is none. */
class AddressFlow implements Flow {
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

/** Responses to a request that came over a connection: by that connection, or by a new one if it has ended (RFC 3261 18.2.2). */
class ConnectionFlow implements Flow {
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
