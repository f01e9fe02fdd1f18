import type { Clock, Timer } from '../base/clock.js'
import { TelephonyError } from '../base/errors.js'
import type { OutgoingRequest } from './message/outgoing-request.js'
import { newBranch } from './message/via.js'
import type { Router } from './router.js'
import type { InviteClient } from './transaction/invite-client.js'
import type { NonInviteClient } from './transaction/non-invite-client.js'
import { TRANSACTION_MS } from './transaction/timers.js'
import { type ClientUser, type InviteUser, timedOut, unavailable } from './transaction/transaction.js'
import { type Transactions, viaOf } from './transaction/transactions.js'
import type { Flow } from './transport/flow.js'
import type { LocalFinalResponse, SipProtocol } from './types.js'

interface SenderDeps {
  clock: Clock
  router: Router
  transactions: Transactions
}

/** A request that waits for its flow, and then its transaction. */
export interface Sending<Transaction> {
  /** Undefined while the host is being resolved, or a connection opened. */
  readonly transaction: Transaction | undefined
  /** Ends the wait: `failed` is told with a local 503, unless there was a final response. */
  close(reason: string): void
}

/** A message that may have to be sent once more. */
export interface SentMessage {
  flow: Flow
  text: string
}

/** Sends requests: the router finds the flow, the transaction layer does the rest. */
export class Sender {
  readonly #deps: SenderDeps
  /** Requests that wait for their flow. */
  readonly #waiting = new Set<Waiting>()

  constructor(deps: SenderDeps) {
    this.#deps = deps
  }

  request(request: OutgoingRequest, prefer: SipProtocol | undefined, user: ClientUser): Sending<NonInviteClient> {
    const { transactions } = this.#deps
    return this.#begin(request, prefer, user, (flow) => transactions.request(request, flow, user))
  }

  invite(request: OutgoingRequest, prefer: SipProtocol | undefined, user: InviteUser): Sending<InviteClient> {
    const { transactions } = this.#deps
    return this.#begin(request, prefer, user, (flow) => transactions.invite(request, flow, user))
  }

  /** RFC 3261 9.1. Its answer tells nothing: the INVITE gets 487, or another final response, or none in time. */
  cancel(invite: InviteClient, cancel: OutgoingRequest): void {
    this.#deps.transactions.cancel(invite, cancel, UNHEARD)
  }

  /** RFC 3261 13.2.2.4: the ACK to a 2xx has a branch of its own and no transaction. Rejects with TRANSPORT. */
  async ack(request: OutgoingRequest, prefer: SipProtocol | undefined): Promise<SentMessage> {
    const found = this.#deps.router.flowTo(request, prefer)
    const flow = found instanceof Promise ? await found : found
    const text = request.toText(viaOf(flow, newBranch()))
    await flow.send(text)
    return { flow, text }
  }

  close(reason: string): void {
    for (const waiting of [...this.#waiting]) waiting.close(reason)
  }

  /** Synchronous up to the socket if nothing has to be resolved: requests leave in the order in which they were sent. */
  #begin<Transaction extends InviteClient | NonInviteClient>(
    request: OutgoingRequest,
    prefer: SipProtocol | undefined,
    user: ClientUser,
    start: (flow: Flow) => Transaction,
  ): Sending<Transaction> {
    let found: Flow | Promise<Flow>
    try {
      found = this.#deps.router.flowTo(request, prefer)
    } catch (error) {
      found = Promise.reject(error)
    }
    if (found instanceof Promise) return this.#wait(request, found, user, start)
    const transaction = start(found)
    return { transaction, close: (reason) => transaction.close(reason) }
  }

  #wait<Transaction extends InviteClient | NonInviteClient>(
    request: OutgoingRequest,
    found: Promise<Flow>,
    user: ClientUser,
    start: (flow: Flow) => Transaction,
  ): Sending<Transaction> {
    let transaction: Transaction | undefined
    const { host } = request.nextHop
    const waiting = new Waiting(this.#deps.clock, {
      host,
      failed: (failure) => user.failed(failure),
      all: this.#waiting,
    })
    found.then(
      (flow) => {
        if (waiting.end()) transaction = start(flow)
      },
      (error: unknown) => waiting.fail(unavailable(TelephonyError.from(error).message, true)),
    )
    return {
      get transaction() {
        return transaction
      },
      close: (reason) => (transaction ? transaction.close(reason) : waiting.close(reason)),
    }
  }
}

const UNHEARD: ClientUser = { provisional() {}, final() {}, failed() {} }

interface WaitingInit {
  host: string
  failed(failure: LocalFinalResponse): void
  all: Set<Waiting>
}

/** RFC 3261 17: Timers B and F count from the first try to send, so a request does not leave after its 408. */
class Waiting {
  readonly #init: WaitingInit
  readonly #timer: Timer

  constructor(clock: Clock, init: WaitingInit) {
    this.#init = init
    const late: LocalFinalResponse = { ...timedOut(), reason: `no way to ${init.host} was found in time`, unsent: true }
    this.#timer = clock.setTimeout(() => this.fail(late), TRANSACTION_MS)
    init.all.add(this)
  }

  /** False: it has ended before. */
  end(): boolean {
    this.#timer.cancel()
    return this.#init.all.delete(this)
  }

  fail(failure: LocalFinalResponse): void {
    if (this.end()) this.#init.failed(failure)
  }

  close(reason: string): void {
    this.fail(unavailable(reason, true))
  }
}
