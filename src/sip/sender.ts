import type { Clock } from '../base/clock.js'
import { TelephonyError } from '../base/errors.js'
import { type DeliveryDeps, InviteDelivery, type PendingRequest, RequestDelivery } from './delivery.js'
import type { OutgoingRequest } from './message/outgoing-request.js'
import { newBranch } from './message/via.js'
import type { Router } from './router.js'
import type { InviteClient } from './transaction/invite-client.js'
import type { NonInviteClient } from './transaction/non-invite-client.js'
import type { ClientUser, InviteUser } from './transaction/transaction.js'
import { type Transactions, viaOf } from './transaction/transactions.js'
import type { Flow } from './transport/flow.js'
import type { SipProtocol } from './types.js'

interface SenderDeps {
  clock: Clock
  router: Router
  transactions: Transactions
}

/** An ACK that is sent again if its 2xx is repeated. */
export interface SentAck {
  flow: Flow
  text: string
}

/** Sends requests: finds their targets, then begins the transaction with one of them (RFC 3261 8.1.2, RFC 3263). */
export class Sender {
  readonly #deps: SenderDeps & DeliveryDeps

  constructor({ clock, router, transactions }: SenderDeps) {
    this.#deps = { clock, router, transactions, waiting: new Set() }
  }

  request(
    request: OutgoingRequest,
    prefer: SipProtocol | undefined,
    user: ClientUser,
  ): PendingRequest<NonInviteClient, ClientUser> {
    const delivery = new RequestDelivery(this.#deps, { request, prefer, user })
    delivery.begin()
    return delivery
  }

  invite(
    request: OutgoingRequest,
    prefer: SipProtocol | undefined,
    user: InviteUser,
  ): PendingRequest<InviteClient, InviteUser> {
    const delivery = new InviteDelivery(this.#deps, { request, prefer, user })
    delivery.begin()
    return delivery
  }

  /** RFC 3261 9.1. The response to CANCEL has no effect: the INVITE gets its own final response, or times out. */
  cancel(invite: InviteClient, cancel: OutgoingRequest): void {
    this.#deps.transactions.cancel(invite, cancel, IGNORED)
  }

  /** RFC 3261 13.2.2.4: the ACK to a 2xx has a branch of its own and no transaction. Rejects with TRANSPORT. */
  async ack(request: OutgoingRequest, prefer: SipProtocol | undefined): Promise<SentAck> {
    const { router } = this.#deps
    const found = router.targets(request, prefer)
    const targets = found instanceof Promise ? await found : found
    for (let index = 0; ; index++) {
      const target = targets[index]
      if (!target) throw new TelephonyError('TRANSPORT', `${request.nextHop.host} has no address`)
      try {
        const reached = router.flowTo(target, request, prefer)
        const flow = reached instanceof Promise ? await reached : reached
        const text = request.toText(viaOf(flow, newBranch()), flow)
        await flow.send(text)
        return { flow, text }
      } catch (error) {
        router.failed(target)
        if (index === targets.length - 1) throw error
      }
    }
  }

  close(reason: string): void {
    for (const waiting of [...this.#deps.waiting]) waiting.close(reason)
  }
}

const IGNORED: ClientUser = { provisional() {}, final() {}, failed() {} }
