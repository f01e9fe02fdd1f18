import type { Socket } from 'node:net'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import type { Clock, Timer } from '../../../base/clock.js'
import type { Logger } from '../../../base/logger.js'
import type { TlsSettings } from '../../types.js'
import type { TlsFiles } from './tls-files.js'

export interface TlsAcceptorDeps {
  clock: Clock
  log: Logger
  files: TlsFiles
  /** A peer has done its handshake, with a certificate that is in order where one is required. */
  secured(socket: TLSSocket): void
}

/** A peer that stalls keeps its place among the connections of its host for so long. */
const HANDSHAKE_MS = 10_000

/** Makes TLS connections of TCP connections that a listener has accepted. A handshake that does not end in time ends the connection. */
export class TlsAcceptor {
  readonly #deps: TlsAcceptorDeps
  /** Not bound: the listener counts connections before it hands them over. */
  readonly #server: Server
  readonly #forget: () => void
  /** By remote address and port. */
  readonly #handshakes = new Map<string, Timer>()

  constructor(deps: TlsAcceptorDeps, settings: TlsSettings) {
    const { clientCertificate = 'off' } = settings
    const { server = {} } = deps.files.material
    this.#deps = deps
    this.#server = createServer({
      ...server,
      requestCert: clientCertificate !== 'off',
      rejectUnauthorized: clientCertificate === 'require',
    })
    this.#server.on('secureConnection', (socket) => this.#secured(socket))
    this.#server.on('tlsClientError', (error, socket) => this.#failed(error, socket))
    this.#forget = deps.files.onChange((material) => material.server && this.#server.setSecureContext(material.server))
  }

  /** Handshakes under way. */
  get pending(): number {
    return this.#handshakes.size
  }

  accept(socket: Socket): void {
    if (socket.destroyed) return
    const key = keyOf(socket)
    const timer = this.#deps.clock.setTimeout(() => socket.destroy(), HANDSHAKE_MS)
    this.#handshakes.set(key, timer)
    socket.once('close', () => this.#done(key))
    this.#server.emit('connection', socket)
  }

  /** Idempotent. The owner of the sockets closes them. */
  close(): void {
    this.#forget()
  }

  #secured(socket: TLSSocket): void {
    this.#done(keyOf(socket))
    this.#deps.secured(socket)
  }

  #failed(error: Error, socket: TLSSocket): void {
    this.#deps.log.debug({ err: error, peer: socket.remoteAddress }, 'a TLS handshake has failed')
    socket.destroy()
  }

  #done(key: string): void {
    this.#handshakes.get(key)?.cancel()
    this.#handshakes.delete(key)
  }
}

const keyOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`
