import type { Socket } from 'node:net'
import type { Clock, Timer } from '../../base/clock.js'
import type { Logger } from '../../base/logger.js'
import { octetsOf } from '../../base/octets.js'
import { type Framed, StreamFramer } from '../message/stream-framer.js'
import type { SipAddress } from '../types.js'
import { sendError } from './bind-error.js'
import { ConnectionCare } from './connection-care.js'
import { MAX_UNSENT_OCTETS, MESSAGE_MS } from './connection-limits.js'
import type { PooledFlow } from './flow-pool.js'
import type { TransportUser } from './transport.js'

export interface FlowDeps {
  clock: Clock
  log: Logger
  user: TransportUser
  closed(flow: PooledFlow): void
}

export interface FlowInit {
  /** Connected; TLS: with its handshake done. */
  socket: Socket
  remote: SipAddress
  sentBy: string
  isOurs: boolean
  /** TLS: whether the peer's certificate has the name. */
  serves(name: string): boolean
  /** The plain reason of an error that ended the connection before anything came. Absent or undefined: there is none. */
  reasonOf?(error: Error): Error | undefined
}

const CRLF = '\r\n'

/** One connection of TCP or TLS, opened by us or by a peer. */
export class StreamFlow implements PooledFlow {
  readonly local: SipAddress
  readonly remote: SipAddress
  readonly sentBy: string
  readonly isReliable = true
  readonly isOurs: boolean
  readonly #deps: FlowDeps
  readonly #socket: Socket
  readonly #init: Pick<FlowInit, 'serves' | 'reasonOf'>
  readonly #framer = new StreamFramer()
  readonly #care: ConnectionCare
  #stalled: Timer | undefined
  #closed = false
  #hasSent = false
  #hasReceived = false
  #whyEnded: string | undefined

  constructor(deps: FlowDeps, init: FlowInit) {
    const { socket, remote, sentBy, isOurs } = init
    this.#deps = deps
    this.#socket = socket
    this.#init = init
    this.remote = remote
    this.sentBy = sentBy
    this.isOurs = isOurs
    this.local = { protocol: remote.protocol, host: socket.localAddress ?? '', port: socket.localPort ?? 0 }
    this.#care = new ConnectionCare({
      clock: deps.clock,
      isOurs,
      ping: () => void this.#write(CRLF + CRLF).catch(() => undefined),
      close: () => this.close(),
    })
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('error', (error) => this.#failed(error))
    socket.on('end', () => {
      this.#failed(Object.assign(new Error('closed by the peer'), { code: 'ECONNRESET' }))
      this.close()
    })
    socket.on('close', () => this.#over())
  }

  get isOpen(): boolean {
    return !this.#closed && !this.#socket.destroyed
  }

  get isUnanswered(): boolean {
    return !this.#hasSent
  }

  get whyEnded(): string | undefined {
    return this.#whyEnded
  }

  serves(name: string): boolean {
    return this.#init.serves(name)
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
    this.#socket.destroy()
    this.#over()
  }

  #write(text: string): Promise<void> {
    if (!this.isOpen)
      return Promise.reject(sendError(this.remote, new Error(this.#whyEnded ?? 'the connection has ended')))
    if (this.#socket.writableLength > MAX_UNSENT_OCTETS) {
      this.close()
      return Promise.reject(sendError(this.remote, new Error('the peer takes nothing')))
    }
    return new Promise((resolve, reject) => {
      this.#socket.write(octetsOf(text), (error) => (error ? reject(sendError(this.remote, error)) : resolve()))
    })
  }

  /** What has been written is still sent; nothing more is read. */
  #finish(): void {
    this.#socket.pause()
    this.#socket.end(() => this.close())
  }

  #receive(chunk: Buffer): void {
    this.#hasReceived = true
    const began = this.#framer.pending > 0
    const found = this.#framer.push(chunk)
    const complete = found.some(({ kind }) => kind === 'message')
    this.#care.heard(complete)
    for (const item of found) {
      if (this.isOpen) this.#guarded(item)
    }
    this.#watchMessage(began && !complete)
  }

  #guarded(item: Framed): void {
    try {
      this.#take(item)
    } catch (error) {
      this.#deps.log.error({ err: error }, 'a SIP message could not be handled')
    }
  }

  #take(item: Framed): void {
    const { log, user } = this.#deps
    if (item.kind === 'message') user.received(item.bytes, this)
    else if (item.kind === 'ping') void this.#write(CRLF).catch(() => undefined)
    else if (item.kind === 'broken') {
      log.debug({ peer: this.remote.host, reason: item.reason }, 'a SIP connection cannot be read any further')
      user.unreadable(item.head, item.status, item.reason, this)
      this.#finish()
    } else this.#care.ponged()
  }

  /** From the first octet of a message on, not from the last one that has come. */
  #watchMessage(isSame: boolean): void {
    if (this.#framer.pending === 0 || !this.isOpen) {
      this.#stalled?.cancel()
      this.#stalled = undefined
    } else if (!this.#stalled || !isSame) {
      this.#stalled?.cancel()
      this.#stalled = this.#deps.clock.setTimeout(() => this.close(), MESSAGE_MS)
    }
  }

  /** A server that does not want us says so, if at all, before anything else. */
  #failed(error: Error): void {
    this.#deps.log.debug({ err: error, peer: this.remote.host }, 'SIP connection')
    if (!this.#hasReceived) this.#whyEnded ??= this.#init.reasonOf?.(error)?.message
  }

  #over(): void {
    if (this.#closed) return
    this.#closed = true
    this.#stalled?.cancel()
    this.#care.stop()
    this.#deps.closed(this)
  }
}
