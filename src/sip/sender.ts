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

/** A request that was handed to the sender. It waits for its flow first; then it has a transaction. */
export interface PendingRequest<Transaction> {
  /** Undefined while the host is being resolved, or a connection opened. */
  readonly transaction: Transaction | undefined
  /** Ends the wait: `failed` is told with a local 503, unless there was a final response. */
  close(reason: string): void
}

/** An ACK that is sent again if its 2xx is repeated. */
export interface SentAck {
  flow: Flow
  text: string
}

/** Sends requests: asks the router for the flow, then begins the transaction. */
export class Sender {
  readonly #deps: SenderDeps
  /** Requests that wait for their flow. */
  readonly #waiting = new Set<FlowWait>()

  constructor(deps: SenderDeps) {
    this.#deps = deps
  }

  request(
    request: OutgoingRequest,
    prefer: SipProtocol | undefined,
    user: ClientUser,
  ): PendingRequest<NonInviteClient> {
    const { transactions } = this.#deps
    return this.#begin(request, prefer, user, (flow) => transactions.request(request, flow, user))
  }

  invite(request: OutgoingRequest, prefer: SipProtocol | undefined, user: InviteUser): PendingRequest<InviteClient> {
    const { transactions } = this.#deps
    return this.#begin(request, prefer, user, (flow) => transactions.invite(request, flow, user))
  }

  /** RFC 3261 9.1. The response to CANCEL has no effect: the INVITE gets its own final response, or times out. */
  cancel(invite: InviteClient, cancel: OutgoingRequest): void {
    this.#deps.transactions.cancel(invite, cancel, IGNORED)
  }

  /** RFC 3261 13.2.2.4: the ACK to a 2xx has a branch of its own and no transaction. Rejects with TRANSPORT. */
  async ack(request: OutgoingRequest, prefer: SipProtocol | undefined): Promise<SentAck> {
    const found = this.#deps.router.flowTo(request, prefer)
    const flow = found instanceof Promise ? await found : found
    const text = request.toText(viaOf(flow, newBranch()))
    await flow.send(text)
    return { flow, text }
  }

  close(reason: string): void {
    for (const waiting of [...this.#waiting]) waiting.close(reason)
  }

  /** Synchronous up to the socket if no name has to be resolved, so that requests leave in the order in which they were sent. */
  #begin<Transaction extends InviteClient | NonInviteClient>(
    request: OutgoingRequest,
    prefer: SipProtocol | undefined,
    user: ClientUser,
    start: (flow: Flow) => Transaction,
  ): PendingRequest<Transaction> {
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
  ): PendingRequest<Transaction> {
    let transaction: Transaction | undefined
    const { host } = request.nextHop
    const waiting = new FlowWait(this.#deps.clock, {
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

const IGNORED: ClientUser = { provisional() {}, final() {}, failed() {} }

interface WaitingInit {
  host: string
  failed(failure: LocalFinalResponse): void
  all: Set<FlowWait>
}

/** The wait of a request for its flow. RFC 3261 17: Timers B and F count from the first try to send, so it ends with a local 408. */
class FlowWait {
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
