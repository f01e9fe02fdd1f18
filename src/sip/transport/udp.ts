import { createSocket, type Socket } from 'node:dgram'
import type { HostPort } from '../../base/host-port.js'
import type { Logger } from '../../base/logger.js'
import { octetsOf } from '../../base/octets.js'
import { isStun } from '../../stun/message.js'
import type { SipAddress } from '../types.js'
import { familyOf, sentByOf } from './address.js'
import { bindError, closedError, sendError } from './bind-error.js'
import type { Flow } from './flow.js'
import type { Listener, SipTransport, TransportUser } from './transport.js'

/** Bursts of datagrams wait in the kernel while a busy process does something else. */
const RECEIVE_BUFFER_OCTETS = 4 * 1024 * 1024

interface UdpDeps {
  log: Logger
  user: TransportUser
}

interface UdpInit extends HostPort {
  advertise: (bound: HostPort) => HostPort
}

/** Opens the one datagram socket of an endpoint. */
export async function openUdp(deps: UdpDeps, init: UdpInit): Promise<SipTransport> {
  const family = familyOf(init.host)
  // Destinations are resolved by the router, so the socket needs no lookup of its own.
  const socket = createSocket({
    type: `udp${family}`,
    ipv6Only: family === 6,
    lookup: (host, _options, done) => done(null, host, family),
  })
  await bind(socket, init)
  growReceiveBuffer(socket, deps.log)
  return new UdpTransport(deps, socket, init)
}

class UdpTransport implements SipTransport {
  readonly protocol = 'udp'
  readonly listener: Listener
  readonly sentBy: string
  readonly user: TransportUser
  readonly #socket: Socket
  #closing: Promise<void> | undefined

  constructor({ log, user }: UdpDeps, socket: Socket, init: UdpInit) {
    const { address: host, port } = socket.address()
    const local = { protocol: 'udp', host, port } as const
    this.user = user
    this.#socket = socket
    this.listener = { local, advertised: init.advertise(local) }
    this.sentBy = sentByOf(this.listener.advertised)
    socket.on('error', (error) => log.warn({ err: error }, 'SIP socket'))
    socket.on('message', (bytes, from) => {
      try {
        if (isStun(bytes)) user.stun?.(bytes, { host: from.address, port: from.port })
        else user.received(bytes, new UdpFlow(this, { protocol: 'udp', host: from.address, port: from.port }))
      } catch (error) {
        log.error({ err: error }, 'a SIP message could not be handled')
      }
    })
  }

  get isOpen(): boolean {
    return this.#closing === undefined
  }

  flowTo({ host, port }: HostPort): Flow {
    return new UdpFlow(this, { protocol: 'udp', host, port })
  }

  connect(to: HostPort): Promise<Flow> {
    return Promise.resolve(this.flowTo(to))
  }

  send(text: string, to: SipAddress): Promise<void> {
    return this.sendOctets(octetsOf(text), to)
  }

  sendOctets(octets: Buffer, to: HostPort): Promise<void> {
    if (this.#closing) return Promise.reject(closedError())
    return new Promise((resolve, reject) => {
      this.#socket.send(octets, to.port, to.host, (error) => {
        if (error) reject(sendError({ protocol: this.protocol, ...to }, error))
        else resolve()
      })
    })
  }

  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => this.#socket.close(resolve))
    return this.#closing
  }
}

/** The socket and the address of one peer. */
class UdpFlow implements Flow {
  readonly remote: SipAddress
  readonly #transport: UdpTransport

  constructor(transport: UdpTransport, remote: SipAddress) {
    this.#transport = transport
    this.remote = remote
  }

  get local(): SipAddress {
    return this.#transport.listener.local
  }

  get sentBy(): string {
    return this.#transport.sentBy
  }

  get isReliable(): boolean {
    return false
  }

  get isOurs(): boolean {
    return false
  }

  get isOpen(): boolean {
    return this.#transport.isOpen
  }

  serves(): boolean {
    return true
  }

  send(text: string): Promise<void> {
    this.#transport.user.sent(text, this)
    return this.#transport.send(text, this.remote)
  }

  suspect(): void {}

  keepAlive(): void {
    this.send('\r\n\r\n').catch(() => undefined)
  }

  close(): void {}
}

function bind(socket: Socket, { host, port }: HostPort): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', (error: NodeJS.ErrnoException) => {
      socket.close()
      reject(bindError('udp', error, { host, port }))
    })
    socket.bind({ address: host, port }, () => {
      socket.removeAllListeners('error')
      resolve()
    })
  })
}

function growReceiveBuffer(socket: Socket, log: Logger): void {
  try {
    socket.setRecvBufferSize(RECEIVE_BUFFER_OCTETS)
  } catch (error) {
    log.debug({ err: error }, 'the receive buffer keeps its size')
  }
}
