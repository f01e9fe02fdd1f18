import { backoffMs } from '../base/backoff.js'
import type { Clock, Timer } from '../base/clock.js'
import { randomBetween } from '../base/ids.js'
import type { Logger } from '../base/logger.js'
import type { SipAddress } from '../sip/types.js'

interface PeerFlowDeps {
  clock: Clock
  log: Logger
  /** Opens the flow, or finds the open one. */
  open: () => Promise<SipAddress>
  /** The flow is open: it has to be kept alive. */
  opened: (peer: SipAddress) => void
}

/** RFC 5626 4.5, with a maximum that suits alarm systems. */
const BACKOFF = { baseMs: 2_000, maxMs: 300_000, floor: 0.5 }

/** Keeps a flow to the next hop of an account open that does not register. */
export class PeerFlow {
  readonly #deps: PeerFlowDeps
  #timer: Timer | undefined
  #peer: SipAddress | undefined
  #failures = 0
  #isClosed = false

  constructor(deps: PeerFlowDeps) {
    this.#deps = deps
  }

  async start(): Promise<void> {
    const { clock, log, open, opened } = this.#deps
    try {
      const peer = await open()
      if (this.#isClosed) return
      this.#peer = peer
      this.#failures = 0
      opened(peer)
    } catch (error) {
      if (this.#isClosed) return
      const waitMs = backoffMs(BACKOFF, this.#failures++, randomBetween)
      log.info({ err: error, waitMs }, 'the flow to the next hop could not be opened')
      this.#timer = clock.setTimeout(() => void this.start(), waitMs)
    }
  }

  /** A connection has ended. */
  lost({ protocol, host, port }: SipAddress): void {
    const peer = this.#peer
    if (this.#isClosed || peer?.protocol !== protocol || peer.host !== host || peer.port !== port) return
    this.#peer = undefined
    this.#timer = this.#deps.clock.setTimeout(() => void this.start(), backoffMs(BACKOFF, 0, randomBetween))
  }

  /** Idempotent. */
  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
  }
}
