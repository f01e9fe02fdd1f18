import type { Timer } from '../../base/clock.js'
import type { ParsedResponse } from '../message/parsed-message.js'
import type { Way } from '../transport/flow.js'
import { Retransmission } from './retransmission.js'
import { T2, T4, TRANSACTION_MS } from './timers.js'
import {
  type ClientRequest,
  type ClientUser,
  type TransactionHost,
  tell,
  timedOut,
  transmit,
  unavailable,
} from './transaction.js'

type State = 'trying' | 'proceeding' | 'completed' | 'terminated'

interface NonInviteClientInit {
  key: string
  request: ClientRequest
  via: string
  way: Way
  user: ClientUser
}

/** A request other than INVITE and ACK that we have sent (RFC 3261 17.1.2). */
export class NonInviteClient {
  readonly way: Way
  readonly #host: TransactionHost
  readonly #key: string
  #user: ClientUser | undefined
  #state: State = 'trying'
  #text: string
  /** Timers E and F. */
  #repeat: Retransmission | undefined
  /** Timer K. */
  #timer: Timer | undefined

  constructor(host: TransactionHost, init: NonInviteClientInit) {
    this.#host = host
    this.#key = init.key
    this.way = init.way
    this.#user = init.user
    this.#text = init.request.toText(init.via, init.way)
  }

  get state(): State {
    return this.#state
  }

  set user(user: ClientUser) {
    if (this.#user) this.#user = user
  }

  begin(): void {
    this.#repeat = new Retransmission(this.#host.clock, this, { longestMs: T2, repeats: !this.way.isReliable })
    transmit(this.#host, this.way, this.#text, (error) => this.#unsent(error))
  }

  receive(response: ParsedResponse): void {
    if (this.#state !== 'trying' && this.#state !== 'proceeding') return // 17.1.2.2: repeats are absorbed
    if (response.status >= 200) {
      this.#complete(response)
      return
    }
    this.#state = 'proceeding'
    this.#repeat?.slowDown()
    tell(this.#host, () => this.#user?.provisional(response))
  }

  /** The connection has ended, or the user waits no longer: no effect once a response has come. */
  unanswered(reason: string): void {
    if (this.#state === 'trying') this.#fail(unavailable(reason))
  }

  /** The user does not wait any more, or the layer closes: `failed` is told if there was no final response. */
  close(reason: string): void {
    if (this.#state === 'trying' || this.#state === 'proceeding') this.#fail(unavailable(reason))
    else this.#end()
  }

  /** Timer E. */
  resend(): void {
    transmit(this.#host, this.way, this.#text)
  }

  /** Timer F. The transaction ends first: the connection may close at once, and would end it for another reason. */
  expired(): void {
    const user = this.#user
    this.#end()
    if (this.way.isReliable) this.way.suspect(TRANSACTION_MS)
    tell(this.#host, () => user?.failed(timedOut()))
  }

  #complete(response: ParsedResponse): void {
    const user = this.#user
    this.#stop()
    this.#state = 'completed'
    this.#awaitRepeats()
    tell(this.#host, () => user?.final(response))
  }

  /** In a function of its own: a callback that was made in the scope of the response would keep it for 5 s. */
  #awaitRepeats(): void {
    if (this.way.isReliable)
      this.#end() // Timer K is zero
    else this.#timer = this.#host.clock.setTimeout(() => this.#end(), T4)
  }

  #unsent(error: Error): void {
    if (this.#state === 'trying') this.#fail(unavailable(error.message, true))
  }

  #fail(failure: Parameters<ClientUser['failed']>[0]): void {
    const user = this.#user
    this.#end()
    tell(this.#host, () => user?.failed(failure))
  }

  #stop(): void {
    this.#repeat?.stop()
    this.#timer?.cancel()
    this.#repeat = undefined
    this.#timer = undefined
    this.#user = undefined
    this.#text = ''
  }

  #end(): void {
    this.#stop()
    this.#state = 'terminated'
    this.#host.ended(this.#key)
  }
}
