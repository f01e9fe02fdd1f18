import { randomInt } from 'node:crypto'
import type { Clock } from '../../base/clock.js'
import type { ResponseInit, ServerRequest } from '../server-request.js'
import type { InviteServer } from '../transaction/invite-server.js'
import { type Repeatable, Retransmission } from '../transaction/retransmission.js'
import { TRANSACTION_MS } from '../transaction/timers.js'

/** A provisional response that waits for its PRACK, or for the PRACK of the one before it. */
interface Provisional {
  status: number
  init: ResponseInit
  /** What its body is, if it has one. */
  carries: 'offer' | 'answer' | undefined
}

interface ProvisionalUser {
  /** No PRACK has come for 64*T1. */
  unacknowledged(): void
}

/** RFC 3262 7.1: 1 to 2**31 - 1, so that another early dialog of the same INVITE seldom has the same numbers. */
const MAX_FIRST_RSEQ = 2 ** 31

/** Our reliable provisional responses to one INVITE (RFC 3262 3): one at a time, each repeated until its PRACK, over connections too. */
export class ReliableProvisionals implements Repeatable {
  readonly #clock: Clock
  readonly #server: ServerRequest<InviteServer>
  readonly #user: ProvisionalUser
  #rseq = randomInt(1, MAX_FIRST_RSEQ)
  #sent: (Provisional & { text: string }) | undefined
  readonly #waiting: Provisional[] = []
  #repeat: Retransmission | undefined

  constructor(clock: Clock, server: ServerRequest<InviteServer>, user: ProvisionalUser) {
    this.#clock = clock
    this.#server = server
    this.#user = user
  }

  /** RFC 3262 3: the 2xx waits for the PRACK of a response with a session description. */
  get holdsSuccess(): boolean {
    return this.#sent?.carries !== undefined
  }

  /** Sends it when the one before has its PRACK. */
  send(provisional: Provisional): void {
    if (this.#sent) this.#waiting.push(provisional)
    else this.#send(provisional)
  }

  /** The value of RAck (7.2). Undefined: it is not the number of a response that waits for its PRACK. */
  acknowledge(rack: string | undefined): Pick<Provisional, 'carries'> | undefined {
    const acknowledged = this.#sent
    const { cseq } = this.#server.message
    const [rseq, number, method] = (rack ?? '').trim().split(/[ \t]+/)
    if (!acknowledged || Number(rseq) !== this.#rseq || Number(number) !== cseq || method !== 'INVITE') return undefined
    this.#repeat?.stop()
    this.#sent = undefined
    this.#rseq++
    return acknowledged
  }

  /** After an acknowledgement, unless the INVITE has its final response. */
  sendNext(): void {
    const next = this.#waiting.shift()
    if (next) this.#send(next)
  }

  /** The final response is sent: nothing is repeated any more, but the PRACK of the last response is still expected (3). */
  finish(): void {
    this.#waiting.length = 0
    this.#repeat?.stop()
  }

  resend(): void {
    const sent = this.#sent
    if (sent) this.#server.transaction.respond(sent.status, sent.text)
  }

  expired(): void {
    this.#user.unacknowledged()
  }

  #send(provisional: Provisional): void {
    const { status, init } = provisional
    const lines = ['Require: 100rel', `RSeq: ${this.#rseq}`, ...(init.lines ?? [])]
    this.#sent = { ...provisional, text: this.#server.respond(status, { ...init, lines }) }
    this.#repeat = new Retransmission(this.#clock, this, { longestMs: TRANSACTION_MS, repeats: true })
  }
}
