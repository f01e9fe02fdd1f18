/** Checks whether a silent peer is still there. */
import type { Clock, Timer } from '../base/clock.js'
import type { Logger } from '../base/logger.js'
import { type FinalResponse, isLocal, type SipDialog } from '../sip/types.js'

/** With Timer F's 32 s, the loss of a peer is detected within 52 s, and the call ends within a minute. The requests also keep NAT bindings open. */
const PROBE_MS = 20_000
/** Requests that could not be sent: a single one may be a short failure of the network. */
const MAX_UNSENT = 2

interface PeerProbeDeps {
  clock: Clock
  log: Logger
  dialog: Pick<SipDialog, 'request'>
  /** Requests cannot be sent at all. The dialog itself reports a peer that does not answer (408) or does not know the call (481). */
  lost: (response: FinalResponse) => void
}

/**
 * The peer need not send sound in a held call, so silence proves nothing. OPTIONS within the dialog does (RFC 3261 11.2, 12.2.1.2): any
 * response shows that the peer is there, a 405 as well as a 200.
 */
export class PeerProbe {
  readonly #deps: PeerProbeDeps
  #timer: Timer | undefined
  /** Present while it asks. */
  #asking: AbortController | undefined
  #unsent = 0
  #answered = false

  constructor(deps: PeerProbeDeps) {
    this.#deps = deps
  }

  /** Whether the last request since `start` was answered. */
  get answered(): boolean {
    return this.#answered
  }

  start(): void {
    if (this.#asking) return
    this.#asking = new AbortController()
    this.#unsent = 0
    this.#answered = false
    this.#later()
  }

  /** Idempotent. */
  stop(): void {
    this.#asking?.abort('the peer need not be asked any more')
    this.#asking = undefined
    this.#timer?.cancel()
  }

  #later(): void {
    this.#timer?.cancel()
    this.#timer = this.#deps.clock.setTimeout(() => void this.#ask(), PROBE_MS)
  }

  async #ask(): Promise<void> {
    const { dialog, log, lost } = this.#deps
    try {
      const signal = this.#asking?.signal
      const response = await dialog.request('OPTIONS', signal ? { signal } : {})
      if (!signal || signal.aborted) return
      this.#answered = !isLocal(response)
      this.#unsent = isLocal(response) && response.status === 503 ? this.#unsent + 1 : 0
      if (this.#unsent < MAX_UNSENT) this.#later()
      else lost(response)
    } catch (err) {
      log.error({ err }, 'the OPTIONS request to the silent peer failed')
    }
  }
}
