import { createServer, type Server, Socket } from 'node:net'
import type { Clock } from '../../base/clock.js'
import type { Logger } from '../../base/logger.js'
import type { SipAddress } from '../types.js'
import { familyOf, hostPort } from './address.js'
import { bindError, closedError, sendError } from './bind-error.js'
import { type FlowDeps, TcpFlow } from './tcp-flow.js'
import type { LocalAddress, Receive, SipTransport } from './transport.js'

export interface TcpDeps {
  clock: Clock
  log: Logger
  receive: Receive
  refuse: FlowDeps['refuse']
  /** A connection has ended. */
  lost(peer: SipAddress, wasOurs: boolean): void
}

/** A host that drops packets does not answer a SYN, and a call must not wait for it without a limit. */
const CONNECT_MS = 5_000
/** Connections that peers have opened; those of one address. */
const MAX_INBOUND = 1_000
const MAX_INBOUND_PER_HOST = 200

/** Opens the listener of an endpoint; connections in both directions are its flows (RFC 3261 18, RFC 5626). */
export async function openTcp(deps: TcpDeps, init: LocalAddress): Promise<SipTransport> {
  const transport = new TcpTransport(deps, init)
  await transport.listen()
  return transport
}

class TcpTransport implements SipTransport {
  readonly #deps: TcpDeps
  readonly #init: LocalAddress
  readonly #server: Server
  readonly #flows = new Map<string, TcpFlow>()
  readonly #connecting = new Map<string, Promise<TcpFlow>>()
  readonly #opening = new Set<Socket>()
  readonly #inboundByHost = new Map<string, number>()
  #inbound = 0
  #local: LocalAddress
  #closing: Promise<void> | undefined

  constructor(deps: TcpDeps, init: LocalAddress) {
    this.#deps = deps
    this.#init = init
    this.#local = init
    this.#server = createServer((socket) => this.#accept(socket))
  }

  get local(): SipAddress {
    return { protocol: 'tcp', ...this.#local }
  }

  listen(): Promise<void> {
    const { host, port } = this.#init
    return new Promise((resolve, reject) => {
      this.#server.once('error', (error) => reject(bindError('tcp', error, this.#init)))
      this.#server.listen({ host, port, ipv6Only: familyOf(host) === 6, exclusive: true }, () => {
        this.#server.removeAllListeners('error')
        this.#server.on('error', (error) => this.#deps.log.warn({ err: error }, 'SIP listener'))
        const address = this.#server.address()
        if (address && typeof address === 'object') this.#local = { host: address.address, port: address.port }
        resolve()
      })
    })
  }

  /** On the open connection at once, so that messages keep their order; else it opens one. */
  send(text: string, to: SipAddress): Promise<void> {
    if (this.#closing) return Promise.reject(closedError())
    const open = this.#flows.get(hostPort(to))
    if (open?.isOpen) return open.send(text)
    return this.#connect(to).then((flow) => flow.send(text))
  }

  async connect(to: SipAddress): Promise<void> {
    if (this.#closing) throw closedError()
    if (!this.isConnected(to)) await this.#connect(to)
  }

  isConnected(to: SipAddress): boolean {
    return this.#flows.get(hostPort(to))?.isOpen ?? false
  }

  suspect(to: SipAddress, silentMs: number): void {
    const flow = this.#flows.get(hostPort(to))
    if (flow && flow.heardMs <= this.#deps.clock.now() - silentMs) flow.close()
  }

  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      this.#server.close(() => resolve())
      for (const flow of [...this.#flows.values()]) flow.close()
      for (const socket of this.#opening) socket.destroy(closedError())
    })
    return this.#closing
  }

  #accept(socket: Socket): void {
    const { remoteAddress: host, remotePort: port } = socket
    const ofHost = this.#inboundByHost.get(host ?? '') ?? 0
    if (!host || !port || this.#closing || ofHost >= MAX_INBOUND_PER_HOST || !this.#makeRoom()) {
      socket.destroy()
      return
    }
    this.#inbound++
    this.#inboundByHost.set(host, ofHost + 1)
    socket.once('close', () => {
      this.#inbound--
      const left = (this.#inboundByHost.get(host) ?? 1) - 1
      if (left > 0) this.#inboundByHost.set(host, left)
      else this.#inboundByHost.delete(host)
    })
    this.#flow(socket, { protocol: 'tcp', host, port }, false)
  }

  /** A crowd of strangers must not keep a peer out: the oldest of those that were never answered goes. */
  #makeRoom(): boolean {
    if (this.#inbound < MAX_INBOUND) return true
    for (const flow of this.#flows.values()) {
      if (flow.isOurs || !flow.isUnanswered) continue
      flow.close()
      return true
    }
    return false
  }

  #connect(to: SipAddress): Promise<TcpFlow> {
    const key = hostPort(to)
    const under = this.#connecting.get(key)
    if (under) return under
    const connecting = this.#open(to).finally(() => this.#connecting.delete(key))
    this.#connecting.set(key, connecting)
    return connecting
  }

  #open(to: SipAddress): Promise<TcpFlow> {
    const { clock } = this.#deps
    return new Promise((resolve, reject) => {
      const socket = new Socket()
      this.#opening.add(socket)
      const timer = clock.setTimeout(() => socket.destroy(new Error('no answer to the connection request')), CONNECT_MS)
      const failed = (error: Error): void => {
        timer.cancel()
        this.#opening.delete(socket)
        reject(sendError(to, error))
      }
      socket.once('error', failed)
      socket.once('connect', () => {
        timer.cancel()
        socket.off('error', failed)
        this.#opening.delete(socket)
        resolve(this.#flow(socket, to, true))
      })
      // From the address that peers know us by. The port is any: the one we listen on is taken.
      socket.connect({ host: to.host, port: to.port, ...this.#from() })
    })
  }

  #from(): { localAddress?: string } {
    const { host } = this.#local
    return host === '0.0.0.0' || host === '::' ? {} : { localAddress: host }
  }

  #flow(socket: Socket, peer: SipAddress, isOurs: boolean): TcpFlow {
    const { clock, log, receive, refuse } = this.#deps
    const key = hostPort(peer)
    const closed = (flow: TcpFlow): void => {
      if (this.#flows.get(key) !== flow) return
      this.#flows.delete(key)
      if (!this.#closing) this.#deps.lost(peer, isOurs)
    }
    const flow = new TcpFlow({ clock, log, message: receive, refuse, closed }, { socket, peer, isOurs })
    this.#flows.set(key, flow)
    return flow
  }
}
