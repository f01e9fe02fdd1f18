/** Asks a silent peer whether it is still there. */
import type { Clock, Timer } from '../base/clock.js'
import type { Logger } from '../base/logger.js'
import { type FinalResponse, isLocal, type SipDialog } from '../sip/types.js'

/** With Timer F's 32 s, whoever vanishes is noticed within 52 s, and the call has ended within a minute. It keeps a NAT's binding open as well. */
const PROBE_MS = 20_000
/** Nothing could be sent: once may be a network that blinks. */
const MAX_UNSENT = 2

interface PeerProbeDeps {
  clock: Clock
  log: Logger
  dialog: Pick<SipDialog, 'request'>
  /** Requests cannot be sent at all. A peer that does not answer (408) or knows nothing of the call (481) is told by the dialog itself. */
  lost: (response: FinalResponse) => void
}

/**
 * While a call is held no sound is owed, so its absence says nothing; OPTIONS within the dialog does (RFC 3261 11.2, 12.2.1.2). Any
 * answer will do, a 405 as well as a 200.
 */
export class PeerProbe {
  readonly #deps: PeerProbeDeps
  #timer: Timer | undefined
  #on = false
  #unsent = 0
  #answered = false

  constructor(deps: PeerProbeDeps) {
    this.#deps = deps
  }

  /** Since `start`, and to the last question. */
  get answered(): boolean {
    return this.#answered
  }

  start(): void {
    if (this.#on) return
    this.#on = true
    this.#unsent = 0
    this.#answered = false
    this.#later()
  }

  /** Idempotent. */
  stop(): void {
    this.#on = false
    this.#timer?.cancel()
  }

  #later(): void {
    this.#timer?.cancel()
    this.#timer = this.#deps.clock.setTimeout(() => void this.#ask(), PROBE_MS)
  }

  async #ask(): Promise<void> {
    const { dialog, log, lost } = this.#deps
    try {
      const response = await dialog.request('OPTIONS')
      if (!this.#on) return
      this.#answered = !isLocal(response)
      this.#unsent = isLocal(response) && response.status === 503 ? this.#unsent + 1 : 0
      if (this.#unsent < MAX_UNSENT) this.#later()
      else lost(response)
    } catch (err) {
      log.error({ err }, 'the peer could not be asked whether it is there')
    }
  }
}
