/** Sends our offers within a dialog, one at a time, and again after glare. */
import type { Clock } from '../base/clock.js'
import { TelephonyError } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import type { Settled } from '../sdp/offer-answer.js'
import { type FinalResponse, isLocal, type SipDialog } from '../sip/types.js'
import type { Negotiation } from './negotiation.js'

/** Limits the tries with a peer that answers every re-INVITE with 491. */
const MAX_TRIES = 6
/** RFC 3261 14.2: the peer still processes another offer; its Retry-After is at most 10 s. */
const MAX_RETRY_AFTER_MS = 10_000

interface RenegotiationDeps {
  clock: Clock
  log: Logger
  /** Uniform between `min` and `max`. */
  random: (min: number, max: number) => number
  dialog: Pick<SipDialog, 'reinvite'>
  negotiation: Pick<Negotiation, 'offer' | 'accept' | 'withdraw'>
  settled: (settled: Settled) => void
}

export class Renegotiation {
  readonly #deps: RenegotiationDeps
  /** RFC 3261 14.1: the owner of the Call-ID waits longer, so that the two sides do not collide again. */
  readonly #ownsCallId: boolean
  #running: Promise<boolean> | undefined
  /** Ends the pause before the next try. */
  #pausing: AbortController | undefined
  /** Ends the offer that is in progress. */
  #offering: AbortController | undefined
  /** The offer in progress does not contain the latest changes. */
  #isOutdated = false
  #refusal: FinalResponse | undefined
  #closed = false

  constructor(deps: RenegotiationDeps, init: { ownsCallId: boolean }) {
    this.#deps = deps
    this.#ownsCallId = init.ownsCallId
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
      const response = await dialog.reinvite(negotiation.offer(), { signal })
      if (this.#closed) return false
      if (!isLocal(response) && response.status < 300 && response.body) {
        settled(negotiation.accept(response.body))
        return true
      }
      negotiation.withdraw()
      this.#refusal = response
      log.info({ status: response.status }, 'our re-INVITE was refused')
      return this.#retryMs(response)
    } catch (error) {
      negotiation.withdraw()
      // The peer's re-INVITE is being answered: also glare, detected before our request was sent.
      if (TelephonyError.from(error).code === 'WRONG_STATE') return this.#glareMs()
      log.warn({ err: error }, 'our re-INVITE failed')
      return false
    }
  }

  #retryMs(response: FinalResponse): false | number {
    if (isLocal(response)) return false
    if (response.status === 491) return this.#glareMs()
    const seconds = /^\s*(\d{1,2})/.exec(response.header('Retry-After') ?? '')?.[1]
    if (response.status !== 500 || seconds === undefined) return false
    return Math.min(Number(seconds) * 1000, MAX_RETRY_AFTER_MS)
  }

  /** RFC 3261 14.1: 2.1 to 4 s for the owner of the Call-ID, 0 to 2 s for the other, in units of 10 ms. */
  #glareMs(): number {
    const { random } = this.#deps
    return Math.round((this.#ownsCallId ? random(2100, 4000) : random(0, 2000)) / 10) * 10
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
