/** Sends our offers within a dialog, one at a time, and again after glare. */
import type { Clock } from '../base/clock.js'
import { TelephonyError } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import type { Settled } from '../sdp/offer-answer.js'
import { type FinalResponse, isLocal, type SipDialog } from '../sip/types.js'
import type { Negotiation } from './negotiation.js'

/** Limits the tries with a peer that answers every re-INVITE with 491. */
const MAX_TRIES = 6

interface RenegotiationDeps {
  clock: Clock
  log: Logger
  dialog: Pick<SipDialog, 'reinvite' | 'retryMs'>
  negotiation: Pick<Negotiation, 'offer' | 'accept' | 'withdraw'>
  settled: (settled: Settled) => void
}

export class Renegotiation {
  readonly #deps: RenegotiationDeps
  #running: Promise<boolean> | undefined
  /** Ends the pause before the next try. */
  #pausing: AbortController | undefined
  /** Ends the offer that is in progress. */
  #offering: AbortController | undefined
  #refusal: FinalResponse | undefined
  #closed = false

  constructor(deps: RenegotiationDeps) {
    this.#deps = deps
  }

  /** Resolves with true if the peer accepted; otherwise the earlier agreement remains. Calls during a pending offer share its result. */
  run(): Promise<boolean> {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  /** Offers a new local address: a pending offer still contains the old one. */
  async again(): Promise<boolean> {
    this.#pausing?.abort()
    await this.#running
    return this.run()
  }

  /** The response that refused the last offer. */
  get refusal(): FinalResponse | undefined {
    return this.#refusal
  }

  /** Stops sending offers; the one in progress is not waited for. Idempotent. */
  close(): void {
    this.#closed = true
    this.#offering?.abort('the call ends')
    this.#pausing?.abort()
  }

  async #run(): Promise<boolean> {
    this.#refusal = undefined
    for (let tries = 1; !this.#closed; tries++) {
      const waitMs = await this.#try()
      if (typeof waitMs === 'boolean') return waitMs
      if (tries === MAX_TRIES) break
      if (!(await this.#pause(waitMs))) return false
    }
    return false
  }

  /** Resolves with the result, or with the wait before the next try. */
  async #try(): Promise<boolean | number> {
    const { dialog, negotiation, log, settled } = this.#deps
    try {
      this.#offering = new AbortController()
      const { signal } = this.#offering
      const response = await dialog.reinvite(negotiation.offer(), { signal })
      if (this.#closed) return false
      if (!isLocal(response) && response.status < 300 && response.body) {
        settled(negotiation.accept(response.body))
        return true
      }
      negotiation.withdraw()
      this.#refusal = response
      log.info({ status: response.status }, 'our re-INVITE was refused')
      return dialog.retryMs(response) ?? false
    } catch (error) {
      negotiation.withdraw()
      // The peer's re-INVITE is being answered: also glare, detected before our request was sent.
      if (TelephonyError.from(error).code === 'WRONG_STATE') return dialog.retryMs() ?? false
      log.warn({ err: error }, 'our re-INVITE failed')
      return false
    }
  }

  /** False: the pause was ended. */
  #pause(ms: number): Promise<boolean> {
    const pausing = new AbortController()
    this.#pausing = pausing
    return new Promise((resolve) => {
      const timer = this.#deps.clock.setTimeout(() => resolve(true), ms)
      pausing.signal.addEventListener('abort', () => {
        timer.cancel()
        resolve(false)
      })
    })
  }
}
