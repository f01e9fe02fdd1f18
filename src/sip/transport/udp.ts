import { createSocket, type Socket } from 'node:dgram'
import { TelephonyError } from '../../base/errors.js'
import type { Logger } from '../../base/logger.js'

export interface Datagrams {
  readonly local: { host: string; port: number }
  /** Rejects with TRANSPORT where the system refuses to send. */
  send(text: string, host: string, port: number): Promise<void>
  /** Idempotent; resolves when the socket is closed. */
  close(): Promise<void>
}

type Receive = (bytes: Buffer, source: { host: string; port: number }) => void

/** Bursts of datagrams wait in the kernel while a busy process does something else. */
const RECEIVE_BUFFER_OCTETS = 4 * 1024 * 1024

/** Opens the one socket of an endpoint. Nothing that `receive` throws gets further than the log. */
export async function openUdp(
  deps: { log: Logger; receive: Receive },
  init: { host: string; port: number },
): Promise<Datagrams> {
  // Destinations are resolved by the router, so the socket needs no lookup of its own.
  const socket = createSocket({ type: 'udp4', lookup: (host, _options, done) => done(null, host, 4) })
  await bind(socket, init)
  socket.on('error', (error) => deps.log.warn({ err: error }, 'SIP socket'))
  socket.on('message', (bytes, from) => {
    try {
      deps.receive(bytes, { host: from.address, port: from.port })
    } catch (error) {
      deps.log.error({ err: error }, 'a SIP message could not be handled')
    }
  })
  growReceiveBuffer(socket, deps.log)

  const { address, port } = socket.address()
  let closing: Promise<void> | undefined
  return {
    local: { host: address, port },
    send: (text, host, toPort) => (closing ? Promise.reject(closed()) : send(socket, text, host, toPort)),
    close: () => (closing ??= new Promise((resolve) => socket.close(resolve))),
  }
}

function bind(socket: Socket, init: { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', (error: NodeJS.ErrnoException) => {
      socket.close()
      reject(bindError(error, init))
    })
    socket.bind({ address: init.host, port: init.port }, () => {
      socket.removeAllListeners('error')
      resolve()
    })
  })
}

const BIND_HINTS = new Map([
  ['EADDRINUSE', 'another program, or another transport node, uses this address: choose another port (or 0 for any)'],
  ['EADDRNOTAVAIL', 'this machine has no such address: choose one of its own, or 0.0.0.0'],
  ['EACCES', 'ports below 1024 need privileges: choose another port'],
])

function bindError(error: NodeJS.ErrnoException, init: { host: string; port: number }): TelephonyError {
  const hint = BIND_HINTS.get(error.code ?? '') ?? error.message
  return new TelephonyError('TRANSPORT', `cannot listen on udp ${init.host}:${init.port}: ${hint}`, { cause: error })
}

function send(socket: Socket, text: string, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.send(text, port, host, (error) => {
      if (error)
        reject(
          new TelephonyError('TRANSPORT', `cannot send to udp ${host}:${port}: ${error.message}`, { cause: error }),
        )
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

const closed = (): TelephonyError => new TelephonyError('CLOSED', 'the SIP endpoint is closed')
