import { createSocket, type Socket } from 'node:dgram'
import type { Logger } from '../../base/logger.js'
import { octetsOf } from '../../base/octets.js'
import type { SipAddress } from '../types.js'
import { familyOf } from './address.js'
import { bindError, closedError, sendError } from './bind-error.js'
import type { LocalAddress, Receive, SipTransport } from './transport.js'

/** Bursts of datagrams wait in the kernel while a busy process does something else. */
const RECEIVE_BUFFER_OCTETS = 4 * 1024 * 1024

/** Opens the one datagram socket of an endpoint. Nothing that `receive` throws gets further than the log. */
export async function openUdp(deps: { log: Logger; receive: Receive }, init: LocalAddress): Promise<SipTransport> {
  const family = familyOf(init.host)
  // Destinations are resolved by the router, so the socket needs no lookup of its own.
  const socket = createSocket({
    type: `udp${family}`,
    ipv6Only: family === 6,
    lookup: (host, _options, done) => done(null, host, family),
  })
  await bind(socket, init)
  socket.on('error', (error) => deps.log.warn({ err: error }, 'SIP socket'))
  socket.on('message', (bytes, from) => {
    try {
      deps.receive(bytes, { protocol: 'udp', host: from.address, port: from.port })
    } catch (error) {
      deps.log.error({ err: error }, 'a SIP message could not be handled')
    }
  })
  growReceiveBuffer(socket, deps.log)

  const { address, port } = socket.address()
  let closing: Promise<void> | undefined
  return {
    local: { protocol: 'udp', host: address, port },
    send: (text, to) => (closing ? Promise.reject(closedError()) : send(socket, text, to)),
    connect: () => Promise.resolve(),
    isConnected: () => false,
    suspect: () => undefined,
    close: () => (closing ??= new Promise((resolve) => socket.close(resolve))),
  }
}

function bind(socket: Socket, init: LocalAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', (error: NodeJS.ErrnoException) => {
      socket.close()
      reject(bindError('udp', error, init))
    })
    socket.bind({ address: init.host, port: init.port }, () => {
      socket.removeAllListeners('error')
      resolve()
    })
  })
}

function send(socket: Socket, text: string, to: SipAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.send(octetsOf(text), to.port, to.host, (error) => {
      if (error) reject(sendError(to, error))
      else resolve()
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
