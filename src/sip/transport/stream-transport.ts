import type { Server, Socket } from 'node:net'
import type { Clock } from '../../base/clock.js'
import type { HostPort } from '../../base/host-port.js'
import type { Logger } from '../../base/logger.js'
import type { SipAddress, SipProtocol, Target, TlsSettings } from '../types.js'
import { familyOf, sentByOf } from './address.js'
import { bindError, closedError, sendError } from './bind-error.js'
import type { Flow } from './flow.js'
import { FlowPool, type PooledFlow } from './flow-pool.js'
import { type FlowDeps, type FlowInit, StreamFlow } from './stream-flow.js'
import type { Listener, SipTransport, TransportUser } from './transport.js'

/** Makes the flow of a connection. */
export type FlowMaker = (deps: FlowDeps, init: FlowInit) => PooledFlow

/** The difference between TCP, TLS and WebSockets on them. */
export interface StreamKind {
  readonly protocol: Exclude<SipProtocol, 'udp'>
  /** Event of a socket that we open when it can be used. */
  readonly readyEvent: 'connect' | 'verified'
  /** `ready`: a peer has connected, and its handshake is done. */
  createServer(ready: (socket: Socket) => void): Server
  connect(to: Target, options: { host: string; port: number; localAddress?: string }): Socket
  /** Whether the peer may have requests for a host name. Absent: for any. */
  serves?(socket: Socket, name: string): boolean
  /** Why a connection could not be opened, or ended before the peer sent anything, in plain words. */
  reasonOf?(error: Error, to: Target): Error
  /** Host of the Via on the connections of a transport without a listener. Absent: their local address. */
  readonly clientSentBy?: string
  /** A handshake that follows, on a connection of a peer and on one of ours. Absent: SIP begins at once. */
  accepted?: (socket: Socket, begin: (make: FlowMaker) => void) => void
  opened?: (socket: Socket, to: Target, begin: (make: FlowMaker) => void, failed: (error: Error) => void) => void
  renewTls?: ((settings: TlsSettings) => Promise<void>) | undefined
  close?(): void
}

/** ROBUSTNESS: handshakes of TLS and WebSockets that stall are given up within 10 s, both together. */
const HANDSHAKE_MS = 10_000

const streamFlow: FlowMaker = (deps, init) => new StreamFlow(deps, init)

export interface StreamTransportDeps {
  clock: Clock
  log: Logger
  user: TransportUser
}

export interface StreamTransportInit {
  /** Local address of the listener and of the connections that we open. */
  host: string
  /** Absent: no listener. */
  port?: number
  /** The address that peers use; default: the local one. */
  advertise: (bound: HostPort) => HostPort
}

/** A host that drops packets does not answer a SYN, and a call must not wait for it without a limit. The handshake of TLS counts. */
const CONNECT_MS = 5_000

/** Opens the listener, if there is one; connections in both directions are its flows (RFC 3261 18, RFC 5626). */
export async function openStreamTransport(
  kind: StreamKind,
  deps: StreamTransportDeps,
  init: StreamTransportInit,
): Promise<SipTransport> {
  const transport = new StreamTransport(kind, deps, init)
  if (init.port !== undefined) await transport.listen(init.port)
  return transport
}

class StreamTransport implements SipTransport {
  readonly protocol: SipProtocol
  listener: Listener | undefined
  readonly #kind: StreamKind
  readonly #deps: StreamTransportDeps
  readonly #init: StreamTransportInit
  readonly #pool = new FlowPool()
  readonly #opening = new Set<Socket>()
  #server: Server | undefined
  #sentBy: string | undefined
  #closing: Promise<void> | undefined

  constructor(kind: StreamKind, deps: StreamTransportDeps, init: StreamTransportInit) {
    this.protocol = kind.protocol
    this.#kind = kind
    this.#deps = deps
    this.#init = init
  }

  listen(port: number): Promise<void> {
    const { host, advertise } = this.#init
    const { protocol } = this
    const server = this.#kind.createServer((socket) => this.#accept(socket))
    this.#server = server
    server.prependListener('connection', (socket: Socket) => this.#admit(socket))
    return new Promise((resolve, reject) => {
      server.once('error', (error) => reject(bindError(protocol, error, { host, port })))
      server.listen({ host, port, ipv6Only: familyOf(host) === 6, exclusive: true }, () => {
        server.removeAllListeners('error')
        server.on('error', (error) => this.#deps.log.warn({ err: error }, 'SIP listener'))
        const bound = server.address() as { address: string; port: number }
        const local = { protocol, host: bound.address, port: bound.port }
        this.listener = { local, advertised: advertise(local) }
        this.#sentBy = sentByOf(this.listener.advertised)
        resolve()
      })
    })
  }

  flowTo(to: Target): Flow | undefined {
    return this.#pool.flowTo(to)
  }

  connect(to: Target): Promise<Flow> {
    return this.#pool.connect(to, () => this.#open(to))
  }

  async renewTls(settings: TlsSettings): Promise<void> {
    await this.#kind.renewTls?.(settings)
  }

  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      if (this.#server) this.#server.close(() => resolve())
      else resolve()
      this.#pool.close()
      for (const socket of this.#opening) socket.destroy(closedError())
      this.#kind.close?.()
    })
    return this.#closing
  }

  #accept(socket: Socket): void {
    const { remoteAddress: host, remotePort: port } = socket
    if (!host || !port || this.#pool.isClosed) socket.destroy()
    else {
      const remote = { protocol: this.protocol, host, port }
      const begin = (make: FlowMaker): void => void this.#flow(make, socket, remote)
      if (this.#kind.accepted) this.#kind.accepted(socket, begin)
      else begin(streamFlow)
    }
  }

  /** Also a peer whose handshake never ends takes a place, until the time for it is over. */
  #admit(socket: Socket): void {
    const { remoteAddress: host = '', remotePort: port = 0 } = socket
    const leave = this.#pool.admit({ host, port }, () => socket.destroy())
    if (!leave) {
      socket.destroy()
      return
    }
    const timer = this.#deps.clock.setTimeout(() => this.#pool.endArrival({ host, port }), HANDSHAKE_MS)
    socket.once('close', () => {
      timer.cancel()
      leave()
    })
  }

  #open(to: Target): Promise<PooledFlow> {
    const { clock } = this.#deps
    return new Promise((resolve, reject) => {
      const { host, port } = to
      // From the address that peers know us by. The port is any: the one that we listen on is taken.
      const socket = this.#kind.connect(to, { host, port, ...this.#from() })
      this.#opening.add(socket)
      const timer = clock.setTimeout(() => socket.destroy(new Error('no answer to the connection request')), CONNECT_MS)
      const failed = (error: Error): void => {
        timer.cancel()
        this.#opening.delete(socket)
        reject(sendError(to, this.#kind.reasonOf?.(error, to) ?? error))
      }
      socket.once('error', failed)
      const begin = (make: FlowMaker): void => {
        timer.cancel()
        socket.off('error', failed)
        this.#opening.delete(socket)
        resolve(this.#flow(make, socket, { protocol: this.protocol, host, port }, to))
      }
      socket.once(this.#kind.readyEvent, () => {
        if (this.#kind.opened) this.#kind.opened(socket, to, begin, failed)
        else begin(streamFlow)
      })
    })
  }

  #from(): { localAddress?: string } {
    const { host } = this.#init
    return host === '0.0.0.0' || host === '::' ? {} : { localAddress: host }
  }

  /** `target`: of a connection that we have opened. */
  #flow(make: FlowMaker, socket: Socket, remote: SipAddress, target?: Target): PooledFlow {
    const { clock, log, user } = this.#deps
    const kind = this.#kind
    const isOurs = target !== undefined
    // Without a listener a peer reaches us by this connection only, and its local address names it.
    const local = { host: socket.localAddress ?? '', port: socket.localPort ?? 0 }
    const sentBy = this.#sentBy ?? kind.clientSentBy ?? sentByOf(local)
    const closed = (ended: PooledFlow): void => {
      if (this.#pool.remove(ended) && !this.#closing) user.ended(ended)
    }
    const flow = make(
      { clock, log, user, closed },
      {
        socket,
        remote,
        sentBy,
        isOurs,
        serves: (name) => kind.serves?.(socket, name) ?? true,
        ...(target && { reasonOf: (error) => kind.reasonOf?.(error, target) }),
      },
    )
    this.#pool.add(flow)
    return flow
  }
}
