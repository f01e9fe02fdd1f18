import type { Clock, Timer } from '../base/clock.js'
import { TelephonyError } from '../base/errors.js'
import type { OutgoingRequest } from './message/outgoing-request.js'
import type { ParsedResponse } from './message/parsed-message.js'
import type { Router } from './router.js'
import type { InviteClient } from './transaction/invite-client.js'
import type { NonInviteClient } from './transaction/non-invite-client.js'
import { TRANSACTION_MS } from './transaction/timers.js'
import { type ClientUser, type InviteUser, timedOut, unavailable } from './transaction/transaction.js'
import type { Transactions } from './transaction/transactions.js'
import type { Flow } from './transport/flow.js'
import type { LocalFinalResponse, SipProtocol, Target } from './types.js'

/**
 * If a target is silent for so long, the next one is tried. RFC 3263 4.3 waits for Timer B or F (32 s), which is longer than people let a
 * telephone ring. In this time the request has been sent five times.
 */
const SILENCE_MS = 8_000
/** Timers B and F count from the first try to send: the search for a flow may take as long. */
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
  /** Replaces the user of all transactions, for the responses that still come. */
  leaveTo(user: User): void
  /** No other target is tried: the request has been cancelled. */
  stay(): void
  /** Ends the wait: `failed` is called with a local 503, unless there was a final response. */
  close(reason: string): void
}

export interface DeliveryDeps {
  clock: Clock
  router: Pick<Router, 'targets' | 'flowTo' | 'worked' | 'failed'>
  transactions: Pick<Transactions, 'request' | 'invite'>
  /** Deliveries that have no transaction yet. */
  waiting: Set<{ close(reason: string): void }>
}

interface DeliveryInit<User> {
  request: OutgoingRequest
  prefer: SipProtocol | undefined
  user: User
}

/** A request on its way: to one target after the other, until one answers (RFC 3263 4.3). */
abstract class Delivery<Client extends Transaction<User>, User extends ClientUser>
  implements PendingRequest<Client, User>
{
  transaction: Client | undefined = undefined
  protected readonly deps: DeliveryDeps
  protected readonly request: OutgoingRequest
  /** The transactions with earlier targets: their 2xx may still come. */
  readonly #former: Client[] = []
  readonly #prefer: SipProtocol | undefined
  #user: User
  /** The targets after the present one. */
  #left: readonly Target[] = NONE
  #target: Target | undefined
  #limit: Timer | undefined
  #isOver = false

  constructor(deps: DeliveryDeps, { request, prefer, user }: DeliveryInit<User>) {
    this.deps = deps
    this.request = request
    this.#prefer = prefer
    this.#user = user
  }

  /** Begins a transaction. */
  protected abstract start(flow: Flow, user: User): Client
  /** A transaction user that goes on to the next target if this one fails. */
  protected abstract attempt(target: Target): User

  get user(): User {
    return this.#user
  }

  /** Synchronous up to the socket if nothing has to be found or opened, so that requests leave in the order in which they were sent. */
  begin(): void {
    try {
      const found = this.deps.router.targets(this.request, this.#prefer)
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

  /** This target has answered; it may be an earlier one. */
  worked(target: Target): void {
    this.deps.router.worked(target)
  }

  /** Goes on to the next target. False: there is none. */
  goOn(retryAfterSec?: number): boolean {
    if (this.#target) this.deps.router.failed(this.#target, retryAfterSec)
    if (this.#left.length === 0) return false
    if (this.transaction) this.#former.push(this.transaction)
    this.transaction = undefined
    this.#try(this.#left)
    return true
  }

  /** The present target is silent. */
  giveUpTarget(): void {
    if (this.#left.length > 0) this.transaction?.unanswered('the server does not answer')
  }

  #try(targets: readonly Target[]): void {
    const [target] = targets
    if (!target) throw new TelephonyError('TRANSPORT', `${this.request.nextHop.host} has no address`)
    this.#target = target
    this.#left = targets.length > 1 ? targets.slice(1) : NONE
    try {
      const flow = this.deps.router.flowTo(target, this.request, this.#prefer)
      if (flow instanceof Promise) this.#await(flow, (opened) => this.#start(opened, target))
      else this.#start(flow, target)
    } catch (error) {
      this.#await(Promise.reject(error), () => {})
    }
  }

  #start(flow: Flow, target: Target): void {
    // One address, the usual case, has no other to go on to: its transaction needs no attempt.
    const isAlone = this.#left.length === 0 && target.name === undefined
    this.transaction = this.start(flow, isAlone ? this.#user : this.attempt(target))
    if (this.#limit) this.#found()
  }

  #await<Found>(found: Promise<Found>, go: (found: Found) => void): void {
    const { clock, waiting } = this.deps
    const { host } = this.request.nextHop
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
    this.deps.waiting.delete(this)
  }

  #fail(failure: LocalFinalResponse): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#found()
    this.#user.failed(failure)
  }
}

/** Of a request other than INVITE. */
export class RequestDelivery extends Delivery<NonInviteClient, ClientUser> {
  protected start(flow: Flow, user: ClientUser): NonInviteClient {
    return this.deps.transactions.request(this.request, flow, user)
  }

  protected attempt(target: Target): ClientUser {
    return new Attempt(this.deps.clock, this, target)
  }
}

export class InviteDelivery extends Delivery<InviteClient, InviteUser> {
  protected start(flow: Flow, user: InviteUser): InviteClient {
    return this.deps.transactions.invite(this.request, flow, user)
  }

  protected attempt(target: Target): InviteUser {
    return new InviteAttempt(this.deps.clock, this, target)
  }
}

/** A delivery, as the attempt with one of its targets sees it. */
type Course<User> = { readonly user: User } & Pick<RequestDelivery, 'worked' | 'goOn' | 'giveUpTarget'>

/** The user of the transaction with one of several targets. */
class Attempt<User extends ClientUser> implements ClientUser {
  protected readonly delivery: Course<User>
  readonly #target: Target
  readonly #silence: Timer
  #isAnswered = false

  constructor(clock: Clock, delivery: Course<User>, target: Target) {
    this.delivery = delivery
    this.#target = target
    this.#silence = clock.setTimeout(() => delivery.giveUpTarget(), SILENCE_MS)
  }

  provisional(response: ParsedResponse): void {
    this.answered()
    this.delivery.user.provisional(response)
  }

  final(response: ParsedResponse): void {
    this.#silence.cancel()
    // RFC 3263 4.3
    if (response.status === 503 && this.delivery.goOn(retryAfterSec(response))) return
    if (response.status !== 503) this.answered()
    this.delivery.user.final(response)
  }

  failed(failure: LocalFinalResponse): void {
    this.#silence.cancel()
    if (!this.#isAnswered && this.delivery.goOn()) return
    this.delivery.user.failed(failure)
  }

  protected answered(): void {
    if (this.#isAnswered) return
    this.#isAnswered = true
    this.#silence.cancel()
    this.delivery.worked(this.#target)
  }
}

class InviteAttempt extends Attempt<InviteUser> implements InviteUser {
  success(response: ParsedResponse): void {
    this.answered()
    this.delivery.user.success(response)
  }
}

function retryAfterSec(response: ParsedResponse): number | undefined {
  const [, seconds] = /^\s*(\d{1,6})/.exec(response.header('retry-after') ?? '') ?? []
  return seconds === undefined ? undefined : Number(seconds)
}
