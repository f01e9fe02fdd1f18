import type { Timer } from '../../base/clock.js'
import { flat } from '../../base/flat.js'
import type { ParsedRequest } from '../message/parsed-message.js'
import type { Way } from '../transport/flow.js'
import { Retransmission } from './retransmission.js'
import { T2, T4, TRANSACTION_MS } from './timers.js'
import { type ServerUser, type TransactionHost, tell, transmit } from './transaction.js'

type State = 'proceeding' | 'accepted' | 'completed' | 'confirmed' | 'terminated'

/**
 * A stranger can send an INVITE in the name of another host, which must not get eleven failures for it; what a stranger repeats is
 * answered again all the same.
 */
const REPEATS_TO_STRANGERS = 1

interface InviteServerInit {
  key: string
  /** Read here, not kept. */
  request: ParsedRequest
  way: Way
  toTag: string
  known: boolean
  user: ServerUser
}

const identityOf = (callId: string, cseq: number, fromTag: string): string => flat(`${callId} ${cseq} ${fromTag}`)

/** An INVITE that has come (RFC 3261 17.2.1, RFC 6026 7.1). It keeps the last response, not the request. */
export class InviteServer {
  readonly way: Way
  /** The To tag of its responses, which the response to a CANCEL has as well (9.2). */
  readonly toTag: string
  readonly #host: TransactionHost
  readonly #key: string
  readonly #identity: string
  #user: ServerUser | undefined
  #state: State = 'proceeding'
  /** The last response, for repeats of the request. */
  #text = ''
  #repeatsLeft: number
  /** Timers G and H. */
  #repeat: Retransmission | undefined
  /** Timer I or L. */
  #timer: Timer | undefined

  constructor(host: TransactionHost, init: InviteServerInit) {
    this.#host = host
    this.#key = init.key
    this.way = init.way
    this.toTag = init.toTag
    const { callId, cseq, fromTag } = init.request
    this.#identity = identityOf(callId, cseq, fromTag)
    this.#user = init.user
    this.#repeatsLeft = init.known ? Number.POSITIVE_INFINITY : REPEATS_TO_STRANGERS
  }

  get state(): State {
    return this.#state
  }

  /** Neither a final response nor a provisional one has been sent. */
  get isUnanswered(): boolean {
    return this.#state === 'proceeding' && this.#text === ''
  }

  /** Sends a response. In state accepted only the 2xx again, which its user repeats until the ACK (RFC 6026 7.1). */
  respond(status: number, text: string): void {
    if (this.#state === 'accepted') {
      if (status >= 200 && status < 300) transmit(this.#host, this.way, text)
      return
    }
    if (this.#state !== 'proceeding') return
    const user = this.#user
    if (status < 200) this.#text = text
    else if (status < 300) this.#accept()
    else this.#refuse(text)
    transmit(this.#host, this.way, text, (error) => tell(this.#host, () => user?.unsent?.(error)))
  }

  /** The same INVITE again. */
  receive(): void {
    const isAnswered = this.#state === 'proceeding' || this.#state === 'completed'
    if (isAnswered && this.#text !== '') transmit(this.#host, this.way, this.#text) // after a 2xx: absorbed
  }

  /** False: the ACK belongs to a 2xx, so to a dialog, though it has the branch of the INVITE. */
  acknowledge(): boolean {
    if (this.#state === 'accepted') return false
    if (this.#state !== 'completed') return true
    this.#repeat?.stop()
    this.#state = 'confirmed'
    if (this.way.isReliable)
      this.#end() // Timer I is zero
    else this.#timer = this.#host.clock.setTimeout(() => this.#end(), T4)
    this.#over()
    return true
  }

  /** RFC 3261 9.1: a CANCEL repeats the Call-ID, the CSeq number and the From tag of its INVITE, whatever its branch says. */
  isCancelledBy({ callId, cseq, fromTag }: ParsedRequest): boolean {
    return this.#identity === identityOf(callId, cseq, fromTag)
  }

  /** RFC 3261 9.2: a CANCEL has no effect on an INVITE that has its final response. */
  cancel(cancel: ParsedRequest): void {
    if (this.#state === 'proceeding') tell(this.#host, () => this.#user?.cancelled?.(cancel))
  }

  close(): void {
    this.#end()
  }

  /** Timer G. */
  resend(): void {
    if (this.#repeatsLeft-- > 0) transmit(this.#host, this.way, this.#text)
  }

  /** Timer H. */
  expired(): void {
    this.#end()
  }

  #accept(): void {
    this.#state = 'accepted'
    this.#text = '' // the user has it
    this.#keepOver()
    this.#timer = this.#host.clock.setTimeout(() => this.#end(), TRANSACTION_MS) // Timer L
  }

  #refuse(text: string): void {
    this.#state = 'completed'
    this.#text = text
    this.#keepOver()
    this.#repeat = new Retransmission(this.#host.clock, this, { longestMs: T2, repeats: !this.way.isReliable })
  }

  /** For up to 32 s after the final response: nothing else of the user is needed, and nothing of the call shall stay with it. */
  #keepOver(): void {
    const over = this.#user?.over
    this.#user = over && { over }
  }

  #over(): void {
    const over = this.#user?.over
    this.#user = undefined
    if (over) tell(this.#host, over)
  }

  #end(): void {
    if (this.#state === 'terminated') return // the key may be another transaction's by now
    this.#repeat?.stop()
    this.#timer?.cancel()
    this.#state = 'terminated'
    this.#host.ended(this.#key)
    this.#over()
  }
}
