import type { Clock, Timer } from '../base/clock.js'
import { TelephonyError } from '../base/errors.js'
import type { OutgoingRequest } from './message/outgoing-request.js'
import type { ParsedResponse } from './message/parsed-message.js'
import type { Router } from './router.js'
import { TRANSACTION_MS } from './transaction/timers.js'
import { type ClientUser, type InviteUser, timedOut, unavailable } from './transaction/transaction.js'
import type { Flow } from './transport/flow.js'
import type { LocalFinalResponse, SipProtocol, Target } from './types.js'

/**
 * A target that says nothing for so long is left for the next one, if there is one. RFC 3263 4.3 waits for Timer B or F (32 s), which is longer
 * than people let a telephone ring. In this time the request has been sent five times.
 */
const SILENCE_MS = 8_000
/** Timers B and F count from the first try to send: so long may it take to find a flow. */
const FIND_MS = TRANSACTION_MS

const NONE: readonly Target[] = []

/** The part of a client transaction that a delivery needs. */
interface Transaction<User> {
  set user(user: User)
  unanswered(reason: string): void
  close(reason: string): void
}

/** A request that was handed to the sender. It waits for its flow first; then it has a transaction, with one target after the other. */
export interface PendingRequest<Client, User> {
  /** The present one. Undefined while a name is being resolved, or a connection opened. */
  readonly transaction: Client | undefined
  /** Replaces the user of all transactions, for what still comes. */
  leaveTo(user: User): void
  /** The present target is the last one: the request has been cancelled. */
  stay(): void
  /** Ends the wait: `failed` is told with a local 503, unless there was a final response. */
  close(reason: string): void
}

export interface DeliveryDeps {
  clock: Clock
  router: Pick<Router, 'targets' | 'flowTo' | 'worked' | 'failed'>
  /** Deliveries that have no transaction yet. */
  waiting: Set<{ close(reason: string): void }>
}

interface DeliveryInit<Client, User> {
  request: OutgoingRequest
  prefer: SipProtocol | undefined
  user: User
  start(flow: Flow, user: User): Client
}

/** A request on its way: to one target after the other, until one answers (RFC 3263 4.3). */
export class Delivery<Client extends Transaction<User>, User extends ClientUser>
  implements PendingRequest<Client, User>
{
  transaction: Client | undefined = undefined
  /** Of earlier targets: their 2xx may still come. */
  readonly #former: Client[] = []
  readonly #deps: DeliveryDeps
  readonly #init: DeliveryInit<Client, User>
  #user: User
  #left: readonly Target[] = NONE
  #target: Target | undefined
  #limit: Timer | undefined
  #isOver = false

  constructor(deps: DeliveryDeps, init: DeliveryInit<Client, User>) {
    this.#deps = deps
    this.#init = init
    this.#user = init.user
  }

  get user(): User {
    return this.#user
  }

  /** Synchronous up to the socket if nothing has to be found or opened, so that requests leave in the order in which they were sent. */
  begin(): void {
    const { request, prefer } = this.#init
    try {
      const found = this.#deps.router.targets(request, prefer)
      if (found instanceof Promise) this.#await(found, (targets) => this.#try(targets))
      else this.#try(found)
    } catch (error) {
      // The user is never told anything before it has its request.
      this.#await(Promise.reject(error), () => {})
    }
  }

  leaveTo(user: User): void {
    this.#user = user
    this.#left = NONE
    for (const transaction of this.#former) transaction.user = user
    if (this.transaction) this.transaction.user = user
  }

  stay(): void {
    this.#left = NONE
  }

  close(reason: string): void {
    this.#left = NONE
    if (this.transaction) this.transaction.close(reason)
    else this.#fail(unavailable(reason, true))
  }

  /** The present target has answered. */
  worked(): void {
    if (this.#target) this.#deps.router.worked(this.#target)
  }

  /** Goes on to the next target. False: there is none. */
  goOn(retryAfterSec?: number): boolean {
    if (this.#target) this.#deps.router.failed(this.#target, retryAfterSec)
    if (this.#left.length === 0) return false
    if (this.transaction) this.#former.push(this.transaction)
    this.transaction = undefined
    this.#try(this.#left)
    return true
  }

  /** The present target has said nothing. */
  giveUpTarget(): void {
    if (this.#left.length > 0) this.transaction?.unanswered('the server does not answer')
  }

  #try(targets: readonly Target[]): void {
    const { request, prefer, start } = this.#init
    const [target] = targets
    if (!target) throw new TelephonyError('TRANSPORT', `${request.nextHop.host} has no address`)
    this.#target = target
    this.#left = targets.length > 1 ? targets.slice(1) : NONE
    const begin = (flow: Flow): void => {
      // One literal target, the usual case, needs no one to watch over it.
      const isAlone = this.#left.length === 0 && target.name === undefined
      const user = isAlone ? this.#user : (new Attempt(this.#deps.clock, this) as unknown as User)
      this.transaction = start(flow, user)
      if (this.#limit) this.#found()
    }
    try {
      const flow = this.#deps.router.flowTo(target, request, prefer)
      if (flow instanceof Promise) this.#await(flow, begin)
      else begin(flow)
    } catch (error) {
      this.#await(Promise.reject(error), begin)
    }
  }

  #await<Found>(found: Promise<Found>, go: (found: Found) => void): void {
    const { clock, waiting } = this.#deps
    const { host } = this.#init.request.nextHop
    const late: LocalFinalResponse = { ...timedOut(), reason: `no way to ${host} was found in time`, unsent: true }
    this.#limit ??= clock.setTimeout(() => this.#fail(late), FIND_MS)
    waiting.add(this)
    found.then(
      (value) => {
        if (this.#isOver || this.transaction) return
        try {
          go(value)
        } catch (error) {
          this.#unreached(error)
        }
      },
      (error: unknown) => this.#unreached(error),
    )
  }

  #unreached(error: unknown): void {
    if (this.#isOver || this.transaction || (this.#target && this.goOn())) return
    this.#fail(unavailable(TelephonyError.from(error).message, true))
  }

  #found(): void {
    this.#limit?.cancel()
    this.#limit = undefined
    this.#deps.waiting.delete(this)
  }

  #fail(failure: LocalFinalResponse): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#found()
    this.#user.failed(failure)
  }
}

/** The user of the transaction with one of several targets. */
class Attempt implements InviteUser {
  readonly #delivery: Delivery<Transaction<InviteUser>, InviteUser>
  readonly #silence: Timer
  #isAnswered = false

  constructor(clock: Clock, delivery: unknown) {
    this.#delivery = delivery as Delivery<Transaction<InviteUser>, InviteUser>
    this.#silence = clock.setTimeout(() => this.#delivery.giveUpTarget(), SILENCE_MS)
  }

  provisional(response: ParsedResponse): void {
    this.#answered()
    this.#delivery.user.provisional(response)
  }

  success(response: ParsedResponse): void {
    this.#answered()
    this.#delivery.user.success(response)
  }

  final(response: ParsedResponse): void {
    this.#silence.cancel()
    // RFC 3263 4.3
    if (response.status === 503 && this.#delivery.goOn(retryAfterSec(response))) return
    if (response.status !== 503) this.#answered()
    this.#delivery.user.final(response)
  }

  failed(failure: LocalFinalResponse): void {
    this.#silence.cancel()
    if (!this.#isAnswered && this.#delivery.goOn()) return
    this.#delivery.user.failed(failure)
  }

  #answered(): void {
    if (this.#isAnswered) return
    this.#isAnswered = true
    this.#silence.cancel()
    this.#delivery.worked()
  }
}

function retryAfterSec(response: ParsedResponse): number | undefined {
  const [, seconds] = /^\s*(\d{1,6})/.exec(response.header('retry-after') ?? '') ?? []
  return seconds === undefined ? undefined : Number(seconds)
}
