import type { Clock } from '../../base/clock.js'
import type { InviteServer } from '../transaction/invite-server.js'
import { type Repeatable, Retransmission } from '../transaction/retransmission.js'
import { T2 } from '../transaction/timers.js'

/** Our 2xx to an INVITE, repeated until its ACK comes, or no longer than 64*T1 (RFC 3261 13.3.1.4): over connections too. */
export class SuccessResponse implements Repeatable {
  /** Until the ACK has come, other offers of the peer are refused (RFC 6337 4.3). */
  readonly refusesOffers: boolean
  readonly #transaction: InviteServer
  readonly #text: string
  readonly #missed: () => void
  readonly #repeat: Retransmission

  constructor(
    clock: Clock,
    init: { transaction: InviteServer; text: string; refusesOffers: boolean; missed: () => void },
  ) {
    this.refusesOffers = init.refusesOffers
    this.#transaction = init.transaction
    this.#text = init.text
    this.#missed = init.missed
    this.#repeat = new Retransmission(clock, this, { longestMs: T2, repeats: true })
  }

  resend(): void {
    this.#transaction.respond(200, this.#text)
  }

  /** No ACK. */
  expired(): void {
    this.#missed()
  }

  /** Idempotent. */
  stop(): void {
    this.#repeat.stop()
  }
}
