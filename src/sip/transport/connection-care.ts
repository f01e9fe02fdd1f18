import type { Clock, Timer } from '../../base/clock.js'
import { randomBetween } from '../../base/ids.js'

/** A stranger that has connected has so long to send a SIP message. */
const FIRST_MESSAGE_MS = 30_000
/** A connection without messages: peers that want to keep one send something within two minutes (RFC 5626 4.4.1). */
const IDLE_MS = 900_000
/** RFC 5626 4.4.1: 95 to 120 s between pings, and 10 s for the pong. */
const PING_MS = { min: 95_000, max: 120_000 }
const PONG_MS = 10_000

interface ConnectionCareDeps {
  clock: Clock
  /** We ping the connections that we have opened; the others end if they are idle. */
  isOurs: boolean
  ping(): void
  /** The connection is dead or idle. */
  close(): void
}

/** Notices that a connection is dead or idle, by whatever protocol (RFC 5626 3.5.1, 4.4.1). */
export class ConnectionCare {
  readonly #deps: ConnectionCareDeps
  #idle: Timer | undefined
  #ping: Timer | undefined
  /** Until anything is heard. */
  #pong: Timer | undefined
  /** A ping has been sent since the last pong. */
  #isPinged = false
  /** It has answered a ping: then silence means that it is gone (4.4.1). */
  #pongs = false
  #heardMs: number

  constructor(deps: ConnectionCareDeps) {
    this.#deps = deps
    this.#heardMs = deps.clock.now()
    if (deps.isOurs) this.#schedulePing()
    else this.#expect(FIRST_MESSAGE_MS)
  }

  /** Something has come. */
  heard(isMessage: boolean): void {
    this.#pong?.cancel()
    this.#pong = undefined
    this.#heardMs = this.#deps.clock.now()
    if (!this.#deps.isOurs && isMessage) this.#expect(IDLE_MS)
  }

  /** Pings now, unless an earlier ping still waits for its pong. */
  ping(): void {
    const { clock, ping, close } = this.#deps
    if (this.#pong) return
    this.#isPinged = true
    this.#pong = clock.setTimeout(() => {
      this.#pong = undefined
      if (this.#pongs) close()
    }, PONG_MS)
    ping()
  }

  ponged(): void {
    if (this.#isPinged) this.#pongs = true
    this.#isPinged = false
  }

  /** Whether nothing has come for so long. */
  isSilent(ms: number): boolean {
    return this.#heardMs <= this.#deps.clock.now() - ms
  }

  /** Idempotent. */
  stop(): void {
    for (const timer of [this.#idle, this.#ping, this.#pong]) timer?.cancel()
  }

  #expect(ms: number): void {
    const { clock, close } = this.#deps
    this.#idle?.cancel()
    this.#idle = clock.setTimeout(close, ms)
  }

  #schedulePing(): void {
    this.#ping = this.#deps.clock.setTimeout(
      () => {
        this.ping()
        this.#schedulePing()
      },
      randomBetween(PING_MS.min, PING_MS.max),
    )
  }
}
