import type { Clock } from '../base/clock.js'
import { TelephonyError } from '../base/errors.js'
import { hostPort } from '../base/host-port.js'
import type { Logger } from '../base/logger.js'
import { isUnicast } from '../base/unicast.js'
import type { NextHopRules, NextHops } from './dns/next-hops.js'
import { MAX_DATAGRAM_REQUEST_OCTETS } from './message/limits.js'
import type { OutgoingRequest } from './message/outgoing-request.js'
import type { Via } from './message/via.js'
import { type Family, familyOf } from './transport/address.js'
import type { Flow, Way } from './transport/flow.js'
import { notOneMachine, protocolOf, unreachable } from './transport/reach.js'
import type { SipTransport } from './transport/transport.js'
import type { SipAddress, SipProtocol, Target } from './types.js'
import { DEFAULT_PORT, type SipUri } from './uri/sip-uri.js'

/** After a refused connection, TCP is not tried with this peer for so long. */
const NO_TCP_MS = 600_000
const MAX_NO_TCP = 1_000

interface RouterDeps {
  clock: Clock
  log: Logger
  nextHops: Pick<NextHops, 'targets' | 'worked' | 'failed'>
  /** Of the endpoint's local address. */
  family: Family
  /** The open ones; the first is preferred. */
  transports: readonly SipTransport[]
}

/**
 * Finds the flow by which a message leaves: for a request by its next hop (RFC 3261 8.1.2, 18.1.1, RFC 3263), for a response by the flow of its
 * request (18.2.2). An error counts as a 503 (8.1.3.1).
 */
export class Router {
  readonly #deps: RouterDeps
  /** Protocols in which peers may name their address: those that we listen on, and those of our accounts. */
  readonly #spoken = new Set<SipProtocol>()
  /** By prefer and named protocol. A request makes no rules of its own, because our transports stay the same once they are open. */
  readonly #rules = new Map<string, NextHopRules>()
  #protocols: ReadonlySet<SipProtocol> = new Set()
  /** Peers that have refused a connection, and until when. */
  readonly #noTcp = new Map<string, number>()

  constructor(deps: RouterDeps) {
    this.#deps = deps
  }

  get #family(): Family {
    return this.#deps.family
  }

  /** An account uses this protocol. */
  speak(protocol: SipProtocol): void {
    this.#spoken.add(protocol)
  }

  /** Whether a URI that a peer has named can be used: by one of our protocols, in our IP version. Its host name is not resolved. */
  canReach(uri: SipUri): boolean {
    for (const { protocol, listener } of this.#deps.transports) if (listener) this.#spoken.add(protocol)
    return unreachable(uri, this.#spoken, this.#family) === undefined
  }

  /**
   * The targets of a request, to be tried in this order. Synchronous if nothing has to be resolved. `prefer`: the protocol if the URI names none.
   * Throws or rejects with TRANSPORT.
   */
  targets(
    request: Pick<OutgoingRequest, 'nextHop'>,
    prefer?: SipProtocol,
  ): readonly Target[] | Promise<readonly Target[]> {
    const { nextHop } = request
    if (nextHop.host === '') throw new TelephonyError('TRANSPORT', 'a request without an address to send it to')
    this.#notice()
    const why = unreachable(nextHop, this.#protocols, this.#family)
    if (why) throw new TelephonyError('TRANSPORT', why)
    return this.#deps.nextHops.targets(nextHop, this.#rulesFor(prefer, protocolOf(nextHop)))
  }

  /** Transports that have opened since the last request. */
  #notice(): void {
    const { transports } = this.#deps
    if (this.#protocols.size === transports.length) return
    this.#protocols = new Set(transports.map(({ protocol }) => protocol))
    this.#rules.clear()
  }

  #rulesFor(prefer: SipProtocol | undefined, named: string | undefined): NextHopRules {
    const key = `${prefer} ${named}`
    const known = this.#rules.get(key)
    if (known) return known
    // A connection is opened only if the URI or the account asks for one.
    const usual = this.#deps.transports.filter(
      ({ protocol, listener }) => listener || protocol === prefer || protocol === named,
    )
    const protocols = usual.map(({ protocol }) => protocol)
    const rules = { protocols, family: this.#family, ...(prefer && { prefer }) }
    this.#rules.set(key, rules)
    return rules
  }

  /** Synchronous if the flow is open. Throws or rejects with TRANSPORT. */
  flowTo(to: Target, request: Pick<OutgoingRequest, 'nextHop' | 'octets'>, prefer?: SipProtocol): Flow | Promise<Flow> {
    this.#check(to)
    const tcp = to.protocol === 'udp' ? this.#listening('tcp') : undefined
    if (tcp) {
      const overTcp = { ...to, protocol: 'tcp' } as const
      const open = tcp.flowTo(overTcp)
      const isForced = request.nextHop.params.has('transport')
      const isLarge = request.octets > MAX_DATAGRAM_REQUEST_OCTETS
      if (open && (isLarge || (!isForced && prefer === undefined))) return open
      if (isLarge) return this.#tryTcp(tcp, to, overTcp)
    }
    return this.#flow(to)
  }

  /**
   * RFC 3261 18.2.2 with RFC 3581 4: back to the source; over UDP to the port in the Via, unless its `rport` asks for the source port.
   * If the connection has ended meanwhile, a new one is opened to the port in the Via.
   */
  flowBack(via: Via, flow: Flow): Way {
    const listens = via.port ?? DEFAULT_PORT
    if (flow.isReliable) return new WayBack(this, flow, { ...flow.remote, port: listens })
    if (via.rport !== undefined || listens === flow.remote.port) return flow
    return this.#transport('udp')?.flowTo({ ...flow.remote, port: listens }) ?? flow
  }

  /** The flow to an address, open or new. */
  reopen(to: SipAddress): Promise<Flow> {
    this.#check(to)
    return Promise.resolve(this.#flow(to))
  }

  keepAlive(to: SipAddress): void {
    this.#transport(to.protocol)?.flowTo(to)?.keepAlive()
  }

  /** Opens a flow to a next hop, or finds the open one. Rejects with TRANSPORT. */
  async open(nextHop: SipUri, prefer?: SipProtocol): Promise<SipAddress> {
    const request = { nextHop, octets: 0 }
    let failure: unknown = new TelephonyError('TRANSPORT', `${nextHop.host} has no address`)
    for (const target of await this.targets(request, prefer)) {
      try {
        return (await this.flowTo(target, request, prefer)).remote
      } catch (error) {
        this.failed(target)
        failure = error
      }
    }
    throw failure
  }

  /** A target has answered, or has failed: later requests to its name begin with another one (RFC 3263 4.3). */
  worked(target: Target): void {
    if (target.name !== undefined) this.#deps.nextHops.worked(target)
  }

  failed(target: Target, retryAfterSec?: number): void {
    if (target.name !== undefined) this.#deps.nextHops.failed(target, retryAfterSec)
  }

  #check({ host, protocol }: Target): void {
    if (!this.#transport(protocol)) throw new TelephonyError('TRANSPORT', `this transport does not speak ${protocol}`)
    // A name can lead to such an address too.
    if (familyOf(host) !== this.#family)
      throw new TelephonyError('TRANSPORT', `${host}: this transport speaks IPv${this.#family} only`)
    if (!isUnicast(host)) throw new TelephonyError('TRANSPORT', notOneMachine(host))
  }

  #flow(to: Target): Flow | Promise<Flow> {
    const transport = this.#transport(to.protocol)
    if (!transport) throw new TelephonyError('TRANSPORT', `this transport does not speak ${to.protocol}`)
    return transport.flowTo(to) ?? transport.connect(to)
  }

  /** RFC 3261 18.1.1: by TCP; by UDP again where the peer refuses that. */
  async #tryTcp(tcp: SipTransport, overUdp: Target, overTcp: Target): Promise<Flow> {
    const { clock, log } = this.#deps
    const peer = hostPort(overTcp)
    if ((this.#noTcp.get(peer) ?? 0) > clock.now()) return this.#flow(overUdp)
    try {
      return await tcp.connect(overTcp)
    } catch (error) {
      log.debug({ err: error, peer }, 'no TCP there: a large request goes by UDP')
      if (this.#noTcp.size >= MAX_NO_TCP) this.#noTcp.clear()
      this.#noTcp.set(peer, clock.now() + NO_TCP_MS)
      return this.#flow(overUdp)
    }
  }

  #transport(protocol: SipProtocol): SipTransport | undefined {
    return this.#deps.transports.find((transport) => transport.protocol === protocol)
  }

  #listening(protocol: SipProtocol): SipTransport | undefined {
    const transport = this.#transport(protocol)
    return transport?.listener ? transport : undefined
  }
}

/** Responses to a request that came over a connection: by that connection, or by a new one if it has ended (RFC 3261 18.2.2). */
class WayBack implements Way {
  readonly remote: SipAddress
  readonly sentBy: string
  readonly isReliable = true
  readonly #router: Router
  readonly #flow: Flow
  readonly #fallback: SipAddress

  constructor(router: Router, flow: Flow, fallback: SipAddress) {
    this.#router = router
    this.#flow = flow
    this.remote = flow.remote
    this.sentBy = flow.sentBy
    this.#fallback = fallback
  }

  send(text: string): Promise<void> {
    return this.#flow.isOpen ? this.#flow.send(text) : this.#sendAnew(text)
  }

  suspect(silentMs: number): void {
    this.#flow.suspect(silentMs)
  }

  async #sendAnew(text: string): Promise<void> {
    const flow = await this.#router.reopen(this.#fallback)
    await flow.send(text)
  }
}
