import type { Clock, Timer } from '../base/clock.js'
import type { SipAddress } from '../sip/types.js'

/** RFC 4787 4.3: many NATs remove a UDP binding after 30 s without packets; then the registrar's INVITE does not arrive. */
const INTERVAL_MS = 25_000

/** Keeps the NAT binding towards a registrar open while the account is registered. TCP connections have their own pings. */
export class KeepAlive {
  readonly #deps: { clock: Clock; send: (to: SipAddress) => void }
  #timer: Timer | undefined

  constructor(deps: { clock: Clock; send: (to: SipAddress) => void }) {
    this.#deps = deps
  }

  /** Replaces the earlier destination. */
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
