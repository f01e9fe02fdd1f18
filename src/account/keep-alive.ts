import type { Clock, Timer } from '../base/clock.js'
import type { SipAddress } from '../sip/types.js'

/** RFC 4787 4.3: many NATs forget a UDP binding that was silent for 30 s; then the registrar's INVITE does not arrive. */
const INTERVAL_MS = 25_000

/** Keeps the way from a registrar to us open while it holds a binding of ours. Connections have pings of their own. */
export class KeepAlive {
  readonly #deps: { clock: Clock; send: (to: SipAddress) => void }
  #timer: Timer | undefined

  constructor(deps: { clock: Clock; send: (to: SipAddress) => void }) {
    this.#deps = deps
  }

  /** From now on there, and nowhere else. */
  start(to: SipAddress): void {
    this.stop()
    if (to.protocol !== 'udp') return
    this.#timer = this.#deps.clock.setTimeout(() => {
      this.#deps.send(to)
      this.start(to)
    }, INTERVAL_MS)
  }

  /** Idempotent. */
  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }
}
