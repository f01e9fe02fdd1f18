/** Sends our offers within a dialog, one at a time, and again after glare. */
import type { Clock } from '../base/clock.js'
import { TelephonyError } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import type { Settled } from '../sdp/offer-answer.js'
import { type FinalResponse, isLocal, type SipBody, type SipDialog } from '../sip/types.js'
import type { Negotiation } from './negotiation.js'

/** Limits the tries with a peer that answers every re-INVITE with 491. */
const MAX_TRIES = 6
/** The peer does not take an UPDATE with this offer (405, 501), or would have to ask a person first (504). */
const UPDATE_REFUSED: ReadonlySet<number> = new Set([405, 415, 501, 504])

interface RenegotiationDeps {
  clock: Clock
  log: Logger
  dialog: Pick<SipDialog, 'allows' | 'update' | 'reinvite' | 'retryMs'>
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
  /** The offer in progress does not contain the latest changes. */
  #isOutdated = false
  #refusal: FinalResponse | undefined
  #closed = false
  #prefersReinvite = false

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

  /**
   * Offers what has changed meanwhile: an offer in progress is followed by another one, and the result of the last one counts.
   * `atOnce` ends a pause, because the peer cannot reach the earlier address.
   */
  again({ atOnce = false } = {}): Promise<boolean> {
    if (this.#pausing && atOnce) this.#pausing.abort()
    else if (this.#running && !this.#pausing) this.#isOutdated = true
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
    for (let tries = 1; !this.#closed; tries++) {
      this.#refusal = undefined
      this.#isOutdated = false
      const waitMs = await this.#try()
      if (typeof waitMs === 'number') {
        if (tries === MAX_TRIES) break
        await this.#pause(waitMs)
      } else if (this.#isOutdated) tries = 0
      else return waitMs
    }
    return false
  }

  /** Resolves with the result, or with the wait before the next try. */
  async #try(): Promise<boolean | number> {
    const { dialog, negotiation, log, settled } = this.#deps
    try {
      this.#offering = new AbortController()
      const { signal } = this.#offering
      const response = await this.#send(negotiation.offer(), signal)
      if (this.#closed) return false
      if (!isLocal(response) && response.status < 300 && response.body) {
        settled(negotiation.accept(response.body))
        return true
      }
      negotiation.withdraw()
      this.#refusal = response
      log.info({ status: response.status }, 'our offer was refused')
      return dialog.retryMs(response) ?? false
    } catch (error) {
      negotiation.withdraw()
      // The peer's re-INVITE is being answered: also glare, detected before our request was sent.
      if (TelephonyError.from(error).code === 'WRONG_STATE') return dialog.retryMs() ?? false
      log.warn({ err: error }, 'our re-INVITE failed')
      return false
    }
  }

  /** RFC 3311 5.1: UPDATE is answered at once. If the peer cannot do that for this change, it gets a re-INVITE (5.2). */
  async #send(offer: SipBody, signal: AbortSignal): Promise<FinalResponse> {
    const { dialog } = this.#deps
    if (this.#prefersReinvite || !dialog.allows('UPDATE')) return dialog.reinvite(offer, { signal })
    const response = await dialog.update(offer, { signal })
    if (this.#closed || isLocal(response) || !UPDATE_REFUSED.has(response.status)) return response
    this.#prefersReinvite = true
    return dialog.reinvite(offer, { signal })
  }

  #pause(ms: number): Promise<void> {
    const pausing = new AbortController()
    this.#pausing = pausing
    return new Promise((resolve) => {
      const end = () => {
        this.#pausing = undefined
        timer.cancel()
        resolve()
      }
      const timer = this.#deps.clock.setTimeout(end, ms)
      pausing.signal.addEventListener('abort', end)
    })
  }
}
