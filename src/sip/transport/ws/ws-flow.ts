import type { WebSocket } from 'ws'
import type { Timer } from '../../../base/clock.js'
import { octetsOf } from '../../../base/octets.js'
import { idleOctets } from '../../message/idle-octets.js'
import type { SipAddress } from '../../types.js'
import { sendError } from '../bind-error.js'
import { ConnectionCare } from '../connection-care.js'
import { MAX_UNSENT_OCTETS, MESSAGE_MS } from '../connection-limits.js'
import type { PooledFlow } from '../flow-pool.js'
import type { FlowDeps, FlowInit } from '../stream-flow.js'
import { FrameWatch } from './frame-watch.js'

/** A peer has so long to answer a close frame (RFC 6455 7.1.1). */
const CLOSE_MS = 1_000
/** RFC 6455 7.4.1: an endpoint goes away. */
const GOING_AWAY = 1001
const CRLF = '\r\n'

/** One WebSocket, opened by us or by a peer: each of its messages is one SIP message (RFC 7118 5). */
export class WsFlow implements PooledFlow {
  readonly local: SipAddress
  readonly remote: SipAddress
  readonly sentBy: string
  readonly isReliable = true
  readonly isOurs: boolean
  readonly #deps: FlowDeps
  readonly #webSocket: WebSocket
  readonly #serves: FlowInit['serves']
  readonly #care: ConnectionCare
  readonly #frames = new FrameWatch()
  #stalled: Timer | undefined
  #closing: Timer | undefined
  #closed = false
  #hasSent = false

  /** `webSocket` is open on `socket`. */
  constructor(webSocket: WebSocket, deps: FlowDeps, { socket, remote, sentBy, isOurs, serves }: FlowInit) {
    this.#deps = deps
    this.#webSocket = webSocket
    this.#serves = serves
    this.remote = remote
    this.sentBy = sentBy
    this.isOurs = isOurs
    this.local = { protocol: remote.protocol, host: socket.localAddress ?? '', port: socket.localPort ?? 0 }
    this.#care = new ConnectionCare({
      clock: deps.clock,
      isOurs,
      ping: () => webSocket.ping(),
      close: () => this.close(),
    })
    webSocket.on('message', (bytes: Buffer) => this.#receive(bytes))
    webSocket.on('pong', () => this.#care.ponged())
    webSocket.on('error', (error) => deps.log.debug({ err: error, peer: remote.host }, 'WebSocket'))
    webSocket.on('close', () => this.#over())
    // Before the listener of `ws`.
    socket.prependListener('data', (chunk: Buffer) => this.#watch(chunk))
  }

  get isOpen(): boolean {
    return !this.#closed && this.#webSocket.readyState === this.#webSocket.OPEN
  }

  get isUnanswered(): boolean {
    return !this.#hasSent
  }

  serves(name: string): boolean {
    return this.#serves?.(name) ?? true
  }

  send(text: string): Promise<void> {
    this.#hasSent = true
    this.#deps.user.sent(text, this)
    return this.#write(text)
  }

  suspect(silentMs: number): void {
    if (this.#care.isSilent(silentMs)) this.close()
  }

  keepAlive(): void {
    this.#care.ping()
  }

  /** Idempotent. */
  close(): void {
    if (this.#closed) return
    this.#webSocket.close(GOING_AWAY)
    this.#closing = this.#deps.clock.setTimeout(() => this.#webSocket.terminate(), CLOSE_MS)
    this.#webSocket.once('close', () => this.#closing?.cancel())
    this.#over()
  }

  #write(text: string): Promise<void> {
    if (!this.isOpen) return Promise.reject(sendError(this.remote, new Error('the connection has ended')))
    if (this.#webSocket.bufferedAmount > MAX_UNSENT_OCTETS) {
      this.close()
      return Promise.reject(sendError(this.remote, new Error('the peer takes nothing')))
    }
    return new Promise((resolve, reject) => {
      // RFC 7118 5.1: as text, unless it holds octets that are not UTF-8.
      const data = text.isWellFormed() ? text : octetsOf(text)
      this.#webSocket.send(data, (error) => (error ? reject(sendError(this.remote, error)) : resolve()))
    })
  }

  #receive(bytes: Buffer): void {
    if (this.#closed) return
    if (idleOctets(bytes) < bytes.length) {
      this.#care.heard(true)
      this.#hand(bytes)
    }
    // RFC 7118 6, RFC 5626 3.5.1
    else if (bytes.toString('latin1') === CRLF + CRLF) void this.#write(CRLF).catch(() => undefined)
  }

  #hand(bytes: Buffer): void {
    try {
      this.#deps.user.received(bytes, this)
    } catch (error) {
      this.#deps.log.error({ err: error }, 'a SIP message could not be handled')
    }
  }

  /** From the first octet of a message on, not from the last one that has come. */
  #watch(chunk: Buffer): void {
    const began = this.#frames.isPartial
    const isComplete = this.#frames.push(chunk)
    this.#care.heard(false)
    if (began && !isComplete && this.#frames.isPartial) return
    this.#stalled?.cancel()
    this.#stalled = this.#frames.isPartial && !this.#closed ? this.#stall() : undefined
  }

  #stall(): Timer {
    return this.#deps.clock.setTimeout(() => this.close(), MESSAGE_MS)
  }

  #over(): void {
    if (this.#closed) return
    this.#closed = true
    this.#stalled?.cancel()
    this.#care.stop()
    this.#deps.closed(this)
  }
}
