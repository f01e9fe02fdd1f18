import type { Socket } from 'node:net'
import type { Clock, Timer } from '../../base/clock.js'
import { randomBetween } from '../../base/ids.js'
import type { Logger } from '../../base/logger.js'
import { octetsOf } from '../../base/octets.js'
import { type Framed, StreamFramer } from '../message/stream-framer.js'
import type { SipAddress } from '../types.js'
import { sendError } from './bind-error.js'

export interface FlowDeps {
  clock: Clock
  log: Logger
  message(bytes: Buffer, source: SipAddress): void
  /** The stream cannot be read on: the answer to what it ended with, if there is one. */
  refuse(head: Buffer, status: number, reason: string, source: SipAddress): void
  closed(flow: TcpFlow): void
}

/** ROBUSTNESS: a peer that stalls in mid-message is let go within 35 s, whatever it trickles in the meantime. */
const MESSAGE_MS = 30_000
/** A stranger that has connected has so long to say something that is SIP. */
const FIRST_MESSAGE_MS = 30_000
/** A connection without messages: peers that want to keep one send something within two minutes (RFC 5626 4.4.1). */
const IDLE_MS = 900_000
/** RFC 5626 4.4.1: 95 to 120 s between pings, and 10 s for the pong. */
const PING_MS = { min: 95_000, max: 120_000 }
const PONG_MS = 10_000
/** Limit of the octets that wait for a peer that does not read. */
const MAX_UNSENT_OCTETS = 1_048_576
const CRLF = '\r\n'

/** One connection, opened by us or by a peer. */
export class TcpFlow {
  readonly peer: SipAddress
  readonly isOurs: boolean
  readonly #deps: FlowDeps
  readonly #socket: Socket
  readonly #framer = new StreamFramer()
  #stalled: Timer | undefined
  #idle: Timer | undefined
  #ping: Timer | undefined
  #pong: Timer | undefined
  /** It has answered a ping: then silence means that it is gone (RFC 5626 4.4.1). */
  #pongs = false
  #closed = false
  #hasSent = false
  #heardMs: number

  constructor(deps: FlowDeps, init: { socket: Socket; peer: SipAddress; isOurs: boolean }) {
    this.#deps = deps
    this.#socket = init.socket
    this.peer = init.peer
    this.isOurs = init.isOurs
    this.#heardMs = deps.clock.now()
    const { socket } = init
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('error', (error) => deps.log.debug({ err: error, peer: this.peer.host }, 'SIP connection'))
    socket.on('end', () => this.close())
    socket.on('close', () => this.#over())
    if (this.isOurs) this.#schedulePing()
    else this.#expect(FIRST_MESSAGE_MS)
  }

  get isOpen(): boolean {
    return !this.#closed && !this.#socket.destroyed
  }

  /** When something has come last, by the clock. */
  get heardMs(): number {
    return this.#heardMs
  }

  /** Nothing has ever been said to this peer: strangers get silence. */
  get isUnanswered(): boolean {
    return !this.#hasSent
  }

  send(text: string): Promise<void> {
    this.#hasSent = true
    return this.#write(text)
  }

  #write(text: string): Promise<void> {
    if (this.#socket.writableLength > MAX_UNSENT_OCTETS) {
      this.close()
      return Promise.reject(sendError(this.peer, new Error('the peer takes nothing')))
    }
    return new Promise((resolve, reject) => {
      this.#socket.write(octetsOf(text), (error) => (error ? reject(sendError(this.peer, error)) : resolve()))
    })
  }

  /** Idempotent. */
  close(): void {
    this.#socket.destroy()
    this.#over()
  }

  /** What has been written is still sent; nothing more is read. */
  #finish(): void {
    this.#socket.pause()
    this.#socket.end(() => this.close())
  }

  #receive(chunk: Buffer): void {
    const began = this.#framer.pending > 0
    const found = this.#framer.push(chunk)
    const complete = found.some(({ kind }) => kind === 'message')
    this.#alive(complete)
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
    if (item.kind === 'message') this.#deps.message(item.bytes, this.peer)
    else if (item.kind === 'ping') void this.#write(CRLF).catch(() => undefined)
    else if (item.kind === 'broken') {
      this.#deps.log.debug({ peer: this.peer.host, reason: item.reason }, 'a SIP connection cannot be read any further')
      this.#deps.refuse(item.head, item.status, item.reason, this.peer)
      this.#finish()
    } else if (this.#pong) this.#pongs = true
  }

  #alive(complete: boolean): void {
    this.#pong?.cancel()
    this.#heardMs = this.#deps.clock.now()
    if (!this.isOurs && complete) this.#expect(IDLE_MS)
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

  #expect(ms: number): void {
    this.#idle?.cancel()
    this.#idle = this.#deps.clock.setTimeout(() => this.close(), ms)
  }

  #schedulePing(): void {
    const { clock } = this.#deps
    this.#ping = clock.setTimeout(
      () => {
        this.#write(CRLF + CRLF).catch(() => undefined)
        this.#pong = clock.setTimeout(() => {
          this.#pong = undefined
          if (this.#pongs) this.close()
        }, PONG_MS)
        this.#schedulePing()
      },
      randomBetween(PING_MS.min, PING_MS.max),
    )
  }

  #over(): void {
    if (this.#closed) return
    this.#closed = true
    for (const timer of [this.#stalled, this.#idle, this.#ping, this.#pong]) timer?.cancel()
    this.#deps.closed(this)
  }
}
