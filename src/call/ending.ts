/** The end of a call: decided once; then signalling and media end in parallel; then it is reported. */
import type { Clock } from '../base/clock.js'
import { type Deferred, deferred } from '../base/deferred.js'
import type { Logger } from '../base/logger.js'
import type { MediaStats } from '../media/protocol.js'
import type { CallEnd } from './call-event.js'
import { takeLastSteps } from './last-steps.js'
import { troubleAtEnd } from './media-trouble.js'

interface EndingSteps {
  /** Ends the signalling. Resolves with the final SIP status where there is one. */
  leave(end: CallEnd): Promise<number | null>
  closeMedia(): Promise<MediaStats | null>
  /** The host name in the peer's SDP, if it has no address. */
  unknownHost(): string | undefined
}

const MAX_REASON = 256

export class Ending {
  #decision: CallEnd | undefined
  #unsent: string | undefined
  #reported: CallEnd | undefined
  #waiting: Deferred<CallEnd> | undefined

  get isDecided(): boolean {
    return this.#decision !== undefined
  }

  get isReported(): boolean {
    return this.#reported !== undefined
  }

  /** Resolves when the end has been reported. */
  get reported(): Promise<CallEnd> {
    if (this.#reported) return Promise.resolve(this.#reported)
    this.#waiting ??= deferred<CallEnd>()
    return this.#waiting.promise
  }

  /** The first decision counts. Returns false for a later one. */
  decide(end: CallEnd): boolean {
    if (this.#decision) return false
    this.#decision = end
    return true
  }

  /** The request that ends the call could not be sent. */
  unsent(reason: string): void {
    this.#unsent = reason.slice(0, MAX_REASON)
  }

  /** Ends signalling and media. Never rejects; resolves with the end as events report it. */
  async run(
    deps: { clock: Clock; log: Logger },
    decision: CallEnd,
    steps: EndingSteps,
  ): Promise<{ end: CallEnd; stats: MediaStats | null }> {
    const { status, stats } = await takeLastSteps(deps, {
      leave: () => steps.leave(decision),
      closeMedia: () => steps.closeMedia(),
    })
    const end = this.#unsentEnd(decision) ?? { ...decision, sipCode: decision.sipCode ?? status }
    return { end: { ...end, ...troubleAtEnd(end, stats, steps.unknownHost()) }, stats }
  }

  /** The event of this end has been emitted. */
  report(end: CallEnd): void {
    this.#reported = end
    this.#waiting?.resolve(end)
  }

  /** If the BYE could not be sent, the call continues for the peer: that is not a normal end. */
  #unsentEnd({ cause }: CallEnd): CallEnd | undefined {
    if (this.#unsent === undefined || cause !== 'normal') return undefined
    return { by: 'error', cause: 'failed', sipCode: 503, reason: this.#unsent }
  }
}
