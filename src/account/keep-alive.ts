import type { Clock, Timer } from '../base/clock.js'
import { randomBetween } from '../base/ids.js'
import type { SipAddress } from '../sip/types.js'

/** RFC 4787 4.3: many NATs remove a UDP binding after 30 s without packets; then the registrar's INVITE does not arrive. */
const UDP_MS = 25_000

interface KeepAliveDeps {
  clock: Clock
  /** Line breaks, or the ping of a connection. */
  send: (to: SipAddress) => void
  /** By STUN: our public address as the peer sees it. Rejects if the peer does not answer. */
  ask: (to: SipAddress) => Promise<{ host: string; port: number }>
  /** The peer does not answer STUN any more, or sees another address: what was registered over this flow does not reach us. */
  lost: () => void
}

export interface KeepAliveInit {
  /** Longest time between two keep-alives; 0: none. Absent: 25 s by UDP, and the pings of the connection itself. */
  longestMs?: number
  /** The peer answers STUN at its SIP port (RFC 5626 3.5.2). */
  byStun?: boolean
}

/** Keeps a flow to one peer alive (RFC 5626 4.4), in rounds that begin with `start`. */
export class KeepAlive {
  readonly #deps: KeepAliveDeps
  #timer: Timer | undefined
  /** The address that the peer saw last. */
  #seen = ''
  /** Changes with each start and stop, so that a late answer is known as one. */
  #round = 0

  constructor(deps: KeepAliveDeps) {
    this.#deps = deps
  }

  /** Replaces the earlier destination. */
  start(to: SipAddress, init: KeepAliveInit = {}): void {
    this.stop()
    const longestMs = init.longestMs ?? (to.protocol === 'udp' ? UDP_MS : undefined)
    if (!longestMs) return
    this.#seen = ''
    this.#next(to, longestMs, init.byStun === true && to.protocol === 'udp')
  }

  /** Idempotent. */
  stop(): void {
    this.#round++
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #next(to: SipAddress, longestMs: number, byStun: boolean): void {
    const { clock, send } = this.#deps
    // RFC 5626 4.4.1: between 80 and 100 % of the time, so that clients do not send at once.
    const waitMs = longestMs === UDP_MS ? UDP_MS : randomBetween(0.8 * longestMs, longestMs)
    this.#timer = clock.setTimeout(() => {
      if (byStun) void this.#ask(to, this.#round)
      else send(to)
      this.#next(to, longestMs, byStun)
    }, waitMs)
  }

  async #ask(to: SipAddress, round: number): Promise<void> {
    const seen = await this.#deps.ask(to).then(
      ({ host, port }) => `${host} ${port}`,
      () => undefined,
    )
    if (round !== this.#round) return
    const isSame = seen !== undefined && (this.#seen === '' || this.#seen === seen)
    this.#seen = seen ?? ''
    if (!isSame) this.#deps.lost()
  }
}
