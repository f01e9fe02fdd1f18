import type { Timer } from '../../base/clock.js'
import type { ParsedResponse } from '../message/parsed-message.js'
import type { Way } from '../transport/flow.js'
import type { LocalFinalResponse } from '../types.js'
import { Retransmission } from './retransmission.js'
import { TRANSACTION_MS } from './timers.js'
import {
  type ClientInvite,
  type InviteUser,
  type TransactionHost,
  tell,
  timedOut,
  transmit,
  unavailable,
} from './transaction.js'

type State = 'calling' | 'proceeding' | 'completed' | 'accepted' | 'terminated'

interface InviteClientInit {
  key: string
  request: ClientInvite
  via: string
  way: Way
  user: InviteUser
}

/** An INVITE that we have sent (RFC 3261 17.1.1, RFC 6026 7.2). */
export class InviteClient {
  readonly way: Way
  readonly via: string
  /** May be replaced, so that an answered INVITE keeps nothing but what a late 2xx needs. */
  user: InviteUser
  readonly #host: TransactionHost
  readonly #key: string
  #state: State = 'calling'
  /** Until the first final response. */
  #request: ClientInvite | undefined
  #text: string
  /** Timers A and B. */
  #repeat: Retransmission | undefined
  /** Timer D or M, or the wait for the response to a cancelled INVITE. */
  #timer: Timer | undefined
  /** The ACK to a failure. */
  #ack = ''

  constructor(host: TransactionHost, init: InviteClientInit) {
    this.#host = host
    this.#key = init.key
    this.#request = init.request
    this.way = init.way
    this.via = init.via
    this.user = init.user
    this.#text = init.request.toText(init.via, init.way)
  }

  get state(): State {
    return this.#state
  }

  begin(): void {
    const { clock } = this.#host
    // 17.1.1.2: Timer A doubles without a limit.
    this.#repeat = new Retransmission(clock, this, { longestMs: TRANSACTION_MS, repeats: !this.way.isReliable })
    transmit(this.#host, this.way, this.#text, (error) => this.#unsent(error))
  }

  receive(response: ParsedResponse): void {
    if (response.status < 200) this.#provisional(response)
    else if (response.status < 300) this.#success(response)
    else this.#failure(response)
  }

  /**
   * RFC 3261 9.1: CANCEL is being sent. If no final response comes within 64*T1, none will; a late 2xx still reaches the user. False: there
   * is nothing to cancel before a provisional response, after a final one, and a second time.
   */
  cancelled(): boolean {
    if (this.#state !== 'proceeding' || this.#timer) return false
    this.#timer = this.#host.clock.setTimeout(() => this.#giveUp(timedOut()), TRANSACTION_MS)
    return true
  }

  /** The connection has ended, or the user waits no longer: no effect once a response has come. The peer may have the request: its 2xx may still come (18.2.2). */
  unanswered(reason: string): void {
    if (this.#state === 'calling') this.#giveUp(unavailable(reason))
  }

  /** The user does not wait any more, or the layer closes: `failed` is told if there was no final response. */
  close(reason: string): void {
    if (this.#state === 'calling' || this.#state === 'proceeding') this.#fail(unavailable(reason))
    else this.#end()
  }

  /** Timer A. */
  resend(): void {
    transmit(this.#host, this.way, this.#text)
  }

  /** Timer B. The transaction ends first: the connection may close at once, and would end it for another reason. */
  expired(): void {
    this.#end()
    if (this.way.isReliable) this.way.suspect(TRANSACTION_MS)
    tell(this.#host, () => this.user.failed(timedOut()))
  }

  #provisional(response: ParsedResponse): void {
    if (this.#state === 'calling') {
      this.#repeat?.stop()
      this.#state = 'proceeding'
    }
    if (this.#state === 'proceeding') tell(this.#host, () => this.user.provisional(response))
  }

  #success(response: ParsedResponse): void {
    if (this.#state === 'calling' || this.#state === 'proceeding') this.#accept()
    // In state completed as well: another fork has answered, and its dialog has to be ended (13.2.2.4).
    if (this.#state !== 'terminated') tell(this.#host, () => this.user.success(response))
  }

  #failure(response: ParsedResponse): void {
    if (this.#state === 'completed') {
      transmit(this.#host, this.way, this.#ack) // 17.1.1.2
      return
    }
    const request = this.#request
    if (!request || (this.#state !== 'calling' && this.#state !== 'proceeding')) return
    this.#ack = request.ackText(this.via, response.header('to') ?? '', this.way)
    this.#stop()
    this.#state = 'completed'
    this.#awaitRepeats()
    transmit(this.#host, this.way, this.#ack)
    tell(this.#host, () => this.user.final(response))
  }

  /** In a function of its own: a callback that was made in the scope of the response would keep it for 32 s. */
  #awaitRepeats(): void {
    if (this.way.isReliable)
      this.#end() // Timer D is zero
    else this.#timer = this.#host.clock.setTimeout(() => this.#end(), TRANSACTION_MS)
  }

  #accept(): void {
    this.#stop()
    this.#state = 'accepted'
    this.#timer = this.#host.clock.setTimeout(() => this.#end(), TRANSACTION_MS) // Timer M
  }

  /** No final response is expected; a 2xx that comes all the same has to be ended (13.2.2.4). */
  #giveUp(failure: LocalFinalResponse): void {
    this.#accept()
    tell(this.#host, () => this.user.failed(failure))
  }

  #unsent(error: Error): void {
    if (this.#state === 'calling') this.#fail(unavailable(error.message, true))
  }

  #fail(failure: LocalFinalResponse): void {
    this.#end()
    tell(this.#host, () => this.user.failed(failure))
  }

  #stop(): void {
    this.#repeat?.stop()
    this.#timer?.cancel()
    this.#repeat = undefined
    this.#timer = undefined
    this.#request = undefined
    this.#text = ''
  }

  #end(): void {
    this.#stop()
    this.#state = 'terminated'
    this.#host.ended(this.#key)
  }
}
