import type { Transport } from 'sip.js/lib/core/index.js'
import type { Clock } from '../base/clock.js'
import { TelephonyError } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import { octetLength } from '../base/octets.js'
import { isUnicast } from '../base/unicast.js'
import { MAX_DATAGRAM_REQUEST_OCTETS } from './message/limits.js'
import { nextHop, type OutgoingText, readOutgoing, withProtocol } from './message/outgoing-text.js'
import type { Via } from './message/via.js'
import { ClientTransactions } from './transaction/client-transactions.js'
import { serverKey } from './transaction/key.js'
import { ServerTransactions } from './transaction/server-transactions.js'
import { TRANSACTION_MS } from './transaction/timers.js'
import { familyOf, hostPort, literalAddress } from './transport/address.js'
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
 * The way out: finds where a message goes and by which protocol, and tells the transactions. What it rejects with
 * becomes a 503 (RFC 3261 8.1.3.1).
 */
export class Router {
  readonly clients: ClientTransactions
  readonly servers: ServerTransactions
  readonly #deps: RouterDeps
  /** Peers that have refused a connection, and until when. */
  readonly #noTcp = new Map<string, number>()

  constructor(deps: RouterDeps) {
    this.#deps = deps
    const resend = (text: string, destination: SipAddress): void => this.#resend(text, destination)
    const silent = (to: SipAddress): void => this.#transport(to.protocol)?.suspect(to, TRANSACTION_MS)
    this.clients = new ClientTransactions({ clock: deps.clock, resend, silent })
    this.servers = new ServerTransactions({ clock: deps.clock, resend })
  }

  /** What core sends an account's messages by. `prefer`: where a URI does not say. */
  forAccount(prefer: SipProtocol | undefined): Transport {
    const protocol = (prefer ?? this.#default).toUpperCase()
    return { protocol, send: (text) => this.send(text, prefer) }
  }

  /** Whether a request can leave for that URI at all; whether its name can be resolved shows when it is sent. */
  canReach(uri: SipUri): boolean {
    return unreachable(uri, this.#deps.transports) === undefined
  }

  async send(text: string, prefer?: SipProtocol): Promise<void> {
    const message = readOutgoing(text)
    return message.status === undefined ? this.#sendRequest(message, prefer) : this.#sendResponse(message)
  }

  /** An answer to what came from there. */
  async answer(text: string, source: SipAddress): Promise<void> {
    return this.#sendResponse(readOutgoing(text), source)
  }

  keepAlive(to: SipAddress): void {
    this.#transport(to.protocol)
      ?.send('\r\n\r\n', to)
      .catch((error) => this.#deps.log.debug({ err: error }, 'a keep-alive could not be sent'))
  }

  close(): void {
    this.clients.close()
    this.servers.close()
  }

  get #default(): SipProtocol {
    return this.#deps.transports[0]?.local.protocol ?? 'udp'
  }

  #sendResponse(message: OutgoingText, source?: SipAddress): Promise<void> {
    const { text, status = 500, hop } = message
    const key = serverKey(message)
    const destination = this.#responseDestination(hop, source ?? this.servers.sourceOf(key))
    this.servers.answered(key, status, text, destination)
    return this.#write(text, destination)
  }

  /**
   * RFC 3261 18.2.2 with RFC 3581 4. The Via was stamped when the request came, so this is an address. A connection that
   * has ended in the meantime is made anew, to where the peer listens.
   */
  #responseDestination(hop: Via, source: SipAddress | undefined): SipAddress {
    const host = source?.host ?? literalAddress(hop.received ?? hop.host) ?? hop.host
    if (source && source.protocol !== 'udp' && this.#transport(source.protocol)?.isConnected(source)) return source
    const protocol = source?.protocol ?? this.#protocolOf(hop.transport) ?? this.#default
    const port = (protocol === 'udp' ? Number(hop.rport) : 0) || hop.port || DEFAULT_PORT
    return { protocol, host, port }
  }

  /**
   * Synchronous up to the socket where nothing has to be resolved: messages leave in the order in which they were sent.
   */
  #sendRequest(message: OutgoingText, prefer: SipProtocol | undefined): Promise<void> {
    const { method, hop } = message
    const followed = method === 'ACK' || method === 'CANCEL' ? this.clients.destinationOf(hop.branch) : undefined
    if (followed) return this.#deliver(message, followed)
    const target = this.#requestTarget(message, prefer)
    const address = literalAddress(target.host)
    return address === undefined
      ? this.#resolveAndDeliver(message, target)
      : this.#choose(message, { ...target, host: address }, prefer)
  }

  async #resolveAndDeliver(message: OutgoingText, target: Target): Promise<void> {
    const { clock, resolve, transports } = this.#deps
    const deadlineMs = clock.now() + TRANSACTION_MS
    const host = await resolve(target.host, familyOf(transports[0]?.local.host ?? ''))
    // Core has given up by then (Timers B and F): a request must not leave after its 408.
    if (clock.now() >= deadlineMs) throw new TelephonyError('TIMEOUT', `${target.host} was resolved too late`)
    return this.#choose(message, { ...target, host }, undefined)
  }

  /** The protocol for this address; a request that is too large for a datagram goes by TCP where the peer takes it. */
  #choose(message: OutgoingText, target: Target, prefer: SipProtocol | undefined): Promise<void> {
    const { host, port, forced } = target
    const to: SipAddress = { protocol: target.protocol, host, port }
    const overTcp: SipAddress = { ...to, protocol: 'tcp' }
    const tcp = this.#transport('tcp')
    if (to.protocol === 'udp' && tcp) {
      if (!forced && prefer === undefined && tcp.isConnected(overTcp)) return this.#deliver(message, overTcp)
      if (octetLength(message.text) > MAX_DATAGRAM_REQUEST_OCTETS) return this.#deliverLarge(message, to, overTcp)
    }
    return this.#deliver(message, to)
  }

  /** RFC 3261 18.1.1: by TCP; by UDP again where the peer refuses that. */
  async #deliverLarge(message: OutgoingText, overUdp: SipAddress, overTcp: SipAddress): Promise<void> {
    const { clock, log } = this.#deps
    const peer = hostPort(overTcp)
    if ((this.#noTcp.get(peer) ?? 0) > clock.now()) return this.#deliver(message, overUdp)
    try {
      return await this.#deliver(message, overTcp)
    } catch (error) {
      log.debug({ err: error, peer }, 'no TCP there: a large request goes by UDP')
      if (this.#noTcp.size >= MAX_NO_TCP) this.#noTcp.clear()
      this.#noTcp.set(peer, clock.now() + NO_TCP_MS)
      return this.#deliver(message, overUdp)
    }
  }

  async #deliver(message: OutgoingText, destination: SipAddress): Promise<void> {
    const { method, hop } = message
    // RFC 3261 18.1.1: the Via says by what it went, which core could not know.
    const text = withProtocol(message.text, destination.protocol)
    this.clients.sent({ text, method, branch: hop.branch, destination })
    try {
      await this.#write(text, destination)
    } catch (error) {
      if (method !== 'ACK') this.clients.forget(hop.branch, method)
      throw error
    }
  }

  #requestTarget(message: OutgoingText, prefer: SipProtocol | undefined): Target {
    const uri = nextHop(message)
    if (!uri || uri.parts.host === '')
      throw new TelephonyError('TRANSPORT', 'a request without an address to send it to')
    const why = unreachable(uri, this.#deps.transports)
    if (why) throw new TelephonyError('TRANSPORT', why)
    const { host, port = DEFAULT_PORT, params } = uri.parts
    const named = params.get('transport')
    const protocol = named === undefined ? (prefer ?? this.#default) : (named.toLowerCase() as SipProtocol)
    return { protocol, host, port, forced: named !== undefined }
  }

  #protocolOf(name: string): SipProtocol | undefined {
    const wanted = name.toLowerCase()
    return this.#deps.transports.map(({ local }) => local.protocol).find((protocol) => protocol === wanted)
  }

  #transport(protocol: SipProtocol): SipTransport | undefined {
    return this.#deps.transports.find(({ local }) => local.protocol === protocol)
  }

  async #write(text: string, to: SipAddress): Promise<void> {
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

  #resend(text: string, destination: SipAddress): void {
    this.#write(text, destination).catch((error) => {
      this.#deps.log.debug({ err: error }, 'a retransmission could not be sent')
    })
  }
}
