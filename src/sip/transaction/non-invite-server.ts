import type { Timer } from '../../base/clock.js'
import type { Way } from '../transport/flow.js'
import { TRANSACTION_MS } from './timers.js'
import { type ServerUser, type TransactionHost, tell, transmit } from './transaction.js'

type State = 'trying' | 'proceeding' | 'completed' | 'terminated'

/** A request other than INVITE and ACK that has come (RFC 3261 17.2.2). It keeps the last response, not the request. */
export class NonInviteServer {
  readonly way: Way
  readonly #host: TransactionHost
  readonly #key: string
  #user: ServerUser | undefined
  #state: State = 'trying'
  #text = ''
  /** Timer J, or the wait for an answer. */
  #timer: Timer | undefined

  constructor(host: TransactionHost, init: { key: string; way: Way; user: ServerUser }) {
    this.#host = host
    this.#key = init.key
    this.way = init.way
    this.#user = init.user
  }

  get state(): State {
    return this.#state
  }

  get isUnanswered(): boolean {
    return this.#state === 'trying'
  }

  /** Sends a response; after the final one others do nothing. */
  respond(status: number, text: string): void {
    if (this.#state !== 'trying' && this.#state !== 'proceeding') return
    this.#text = text
    const user = this.#user
    if (status < 200) this.#state = 'proceeding'
    else this.#complete()
    transmit(this.#host, this.way, text, (error) => tell(this.#host, () => user?.unsent?.(error)))
    if (status >= 200) this.#over(user)
  }

  /** The same request again. */
  receive(): void {
    if (this.#text !== '') transmit(this.#host, this.way, this.#text)
  }

  /** The answer comes later. After 64*T1 the peer does not wait for it any more (RFC 4320 4.2: there is no use for a 408). */
  awaitAnswer(): void {
    if (this.#state === 'completed' || this.#state === 'terminated' || this.#timer) return
    this.#timer = this.#host.clock.setTimeout(() => this.#end(), TRANSACTION_MS)
  }

  close(): void {
    this.#end()
  }

  #complete(): void {
    this.#timer?.cancel()
    this.#state = 'completed'
    this.#user = undefined
    if (this.way.isReliable)
      this.#end() // Timer J is zero
    else this.#timer = this.#host.clock.setTimeout(() => this.#end(), TRANSACTION_MS)
  }

  #over(user: ServerUser | undefined): void {
    const over = user?.over
    if (over) tell(this.#host, over)
  }

  #end(): void {
    if (this.#state === 'terminated') return // the key may be another transaction's by now
    const user = this.#user
    this.#user = undefined
    this.#timer?.cancel()
    this.#state = 'terminated'
    this.#host.ended(this.#key)
    this.#over(user)
  }
}
