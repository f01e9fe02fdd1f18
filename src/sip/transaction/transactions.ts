import type { Clock } from '../../base/clock.js'
import type { Logger } from '../../base/logger.js'
import { TransientMap } from '../../base/transient-map.js'
import type { ParsedRequest, ParsedResponse } from '../message/parsed-message.js'
import { newBranch, type Via } from '../message/via.js'
import type { Way } from '../transport/flow.js'
import { DEFAULT_PORT } from '../uri/sip-uri.js'
import { InviteClient } from './invite-client.js'
import { InviteServer } from './invite-server.js'
import { clientKey, serverKey } from './key.js'
import { NonInviteClient } from './non-invite-client.js'
import { NonInviteServer } from './non-invite-server.js'
import type { ClientInvite, ClientRequest, ClientUser, InviteUser, ServerUser, TransactionHost } from './transaction.js'

interface ServerInit {
  /** Of the responses; '' if the request has one in To. */
  toTag: string
  /** A known peer gets its failure again until its ACK; a stranger only once more. */
  known: boolean
  user: ServerUser
}

/** RFC 3261 20.42, RFC 3581 3. */
export const viaOf = ({ remote, sentBy }: Way, branch: string): string =>
  `SIP/2.0/${remote.protocol.toUpperCase()} ${sentBy};branch=${branch};rport`

/**
 * The transaction layer of one endpoint (RFC 3261 17, RFC 6026). It has no sockets: messages are handed to it, and each transaction sends by
 * the flow that it was given. It knows neither dialogs nor accounts, so a proxy can use it as well as a user agent.
 */
export class Transactions {
  readonly #clients = new TransientMap<string, InviteClient | NonInviteClient>()
  readonly #servers = new TransientMap<string, InviteServer | NonInviteServer>()
  readonly #clientHost: TransactionHost
  readonly #serverHost: TransactionHost
  /** Why the layer was closed. */
  #closed: string | undefined

  constructor({ clock, log }: { clock: Clock; log: Logger }) {
    this.#clientHost = { clock, log, ended: (key) => void this.#clients.delete(key) }
    this.#serverHost = { clock, log, ended: (key) => void this.#servers.delete(key) }
  }

  get size(): { clients: number; servers: number } {
    return { clients: this.#clients.size, servers: this.#servers.size }
  }

  /** Sends a request other than INVITE and ACK. */
  request(request: ClientRequest, way: Way, user: ClientUser): NonInviteClient {
    const branch = newBranch()
    return this.#request(request, { branch, via: viaOf(way, branch), way, user })
  }

  invite(request: ClientInvite, way: Way, user: InviteUser): InviteClient {
    const branch = newBranch()
    const key = keyOf(request, branch)
    const transaction = new InviteClient(this.#clientHost, { key, request, via: viaOf(way, branch), way, user })
    return this.#begin(key, transaction)
  }

  /**
   * RFC 3261 9.1: a CANCEL has the Via of its INVITE, so its branch, and goes by the same flow. False: there is nothing to cancel yet, or
   * any more, or again; nothing is sent, and the user is told nothing.
   */
  cancel(invite: InviteClient, cancel: ClientRequest, user: ClientUser): boolean {
    if (!invite.cancelled()) return false
    const { way, via } = invite
    const branch = /;branch=([^;]*)/.exec(via)?.[1] ?? ''
    this.#request(cancel, { branch, via, way, user })
    return true
  }

  /**
   * Begins the transaction of a request that has come, and of which `receiveRequest` knew nothing; `way` leads back to where it came from
   * (18.2.2).
   */
  open(request: ParsedRequest, way: Way, init: ServerInit): InviteServer | NonInviteServer {
    const key = this.#keyOf(request)
    const host = this.#serverHost
    const { toTag, known, user } = init
    const transaction =
      request.method === 'INVITE'
        ? new InviteServer(host, { key, request, way, toTag, known, user })
        : new NonInviteServer(host, { key, way, user })
    this.#servers.set(key, transaction)
    return transaction
  }

  /** True: a repeated request, or the ACK to a failure, which is dealt with here. */
  receiveRequest(request: ParsedRequest): boolean {
    const transaction = this.#servers.get(this.#keyOf(request))
    if (!transaction) return false
    if (request.method === 'ACK') return transaction instanceof InviteServer && transaction.acknowledge()
    transaction.receive()
    return true
  }

  /** RFC 3261 9.2: the INVITE that a CANCEL means. */
  inviteOf(cancel: ParsedRequest): InviteServer | undefined {
    const transaction = this.#servers.get(serverKey(cancel, 'INVITE'))
    return transaction instanceof InviteServer ? transaction : undefined
  }

  /** False: a response that matches none of our transactions (17.1.3, 18.1.2). */
  receiveResponse(response: ParsedResponse): boolean {
    const { via, method, cseq, callId, fromTag } = response
    const transaction = this.#clients.get(clientKey({ branch: via.branch, method, cseq, callId, fromTag }))
    if (!transaction || !isSentBy(via, transaction.way)) return false
    transaction.receive(response)
    return true
  }

  /** A connection has ended: requests that have gone by it and of which nothing was heard are not answered any more (8.1.3.1, 17.1.4). */
  flowEnded(flow: Way, reason: string): void {
    for (const transaction of [...this.#clients.values()]) {
      if (transaction.way === flow) transaction.unanswered(reason)
    }
  }

  /** Requests that users send from now on, for example because another one has failed so, fail as well. */
  close(reason: string): void {
    this.#closed = reason
    for (const client of [...this.#clients.values()]) client.close(reason)
    for (const server of [...this.#servers.values()]) server.close()
  }

  #request(request: ClientRequest, init: { branch: string; via: string; way: Way; user: ClientUser }): NonInviteClient {
    const { branch, via, way, user } = init
    const key = keyOf(request, branch)
    const transaction = new NonInviteClient(this.#clientHost, { key, request, via, way, user })
    return this.#begin(key, transaction)
  }

  /** A user is never told anything before it has its transaction, even if the connection breaks while the request is being sent. */
  #begin<Transaction extends InviteClient | NonInviteClient>(key: string, transaction: Transaction): Transaction {
    transaction.begin()
    this.#clients.set(key, transaction)
    const reason = this.#closed
    if (reason !== undefined) queueMicrotask(() => transaction.close(reason))
    return transaction
  }

  #keyOf(request: ParsedRequest): string {
    request.transactionKey ||= serverKey(request)
    return request.transactionKey
  }
}

const keyOf = ({ method, cseq, callId, fromTag }: ClientRequest, branch: string): string =>
  clientKey({ branch, method, cseq, callId, fromTag })

/** 18.1.2: a response whose Via does not have our sent-by is discarded. */
function isSentBy({ host, port = DEFAULT_PORT }: Via, { sentBy }: Way): boolean {
  return sentBy === `${host}:${port}` || (port === DEFAULT_PORT && sentBy === host)
}
