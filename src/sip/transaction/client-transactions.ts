import type { Clock, Timer } from '../../base/clock.js'
import type { SipAddress } from '../types.js'
import { clientKey } from './key.js'
import { Retransmission } from './retransmission.js'
import { isReliable, T2, T4, TRANSACTION_MS } from './timers.js'

interface ClientTransaction {
  method: string
  branch: string
  text: string
  destination: SipAddress
  state: 'calling' | 'proceeding' | 'completed'
  retransmission: Retransmission
  /** Timer D or K. */
  linger?: Timer
  ack?: string
}

interface Deps {
  clock: Clock
  /** Sends again; errors are the sender's to log: the peer's silence will tell. */
  resend(text: string, destination: SipAddress): void
  /** Nothing has been heard of a request for 64*T1, though its transport is reliable. */
  silent?(destination: SipAddress): void
}

/**
 * What RFC 3261 17.1 asks of a client and sip.js leaves out: Timers A, E, D and K, of which a reliable transport needs
 * none. Stands between socket and core, which keeps B and F. Holds texts, because core changes the request object when it sends it again with
 * credentials.
 */
export class ClientTransactions {
  readonly #deps: Deps
  readonly #live = new Map<string, ClientTransaction>()

  constructor(deps: Deps) {
    this.#deps = deps
  }

  get size(): number {
    return this.#live.size
  }

  /** Where the request with this branch went: CANCEL and ACK have to follow it (RFC 3261 9.1, 17.1.1.3). */
  destinationOf(branch: string): SipAddress | undefined {
    return this.#live.get(clientKey(branch, 'INVITE'))?.destination
  }

  /** A request has been given to the socket. */
  sent(request: { text: string; branch: string; method: string; destination: SipAddress }): void {
    const { text, branch, method, destination } = request
    const key = clientKey(branch, method)
    if (method === 'ACK') {
      const invite = this.#live.get(key)
      if (invite) invite.ack = text // to a 2xx the ACK has a branch of its own, and core repeats it
      return
    }
    const retransmission = new Retransmission(
      {
        clock: this.#deps.clock,
        resend: () => this.#deps.resend(text, destination),
        expired: () => this.#expire(key),
      },
      // Timer A doubles without limit, Timer E up to T2 (17.1.1.2, 17.1.2.2)
      { longestMs: method === 'INVITE' ? TRANSACTION_MS : T2, repeats: !isReliable(destination) },
    )
    this.#live.set(key, { method, branch, text, destination, state: 'calling', retransmission })
  }

  /** True: a repeated final response, dealt with here. */
  receive(response: { branch: string; method: string; status: number }): boolean {
    const key = clientKey(response.branch, response.method)
    const transaction = this.#live.get(key)
    if (!transaction) return false
    if (transaction.state === 'completed') {
      // 17.1.1.2: every repeated answer to INVITE is acknowledged again
      if (transaction.ack !== undefined) this.#deps.resend(transaction.ack, transaction.destination)
      return true
    }
    if (response.status < 200) this.#proceed(transaction)
    else if (transaction.method === 'INVITE' && response.status < 300) this.#end(key)
    else this.#complete(key, transaction)
    return false
  }

  /** Requests that have gone there and of which nothing has been heard. */
  unansweredBy(peer: SipAddress): { branch: string; method: string }[] {
    return [...this.#live.values()]
      .filter(({ state, destination: { protocol, host, port } }) => {
        return state === 'calling' && protocol === peer.protocol && host === peer.host && port === peer.port
      })
      .map(({ branch, method }) => ({ branch, method }))
  }

  /** The user has given up on it. */
  forget(branch: string, method: string): void {
    this.#end(clientKey(branch, method))
  }

  close(): void {
    for (const key of [...this.#live.keys()]) this.#end(key)
  }

  #proceed(transaction: ClientTransaction): void {
    transaction.state = 'proceeding'
    if (transaction.method === 'INVITE') transaction.retransmission.stop()
    else transaction.retransmission.slowDown()
  }

  #complete(key: string, transaction: ClientTransaction): void {
    transaction.state = 'completed'
    transaction.retransmission.stop()
    const timerMs = transaction.method === 'INVITE' ? TRANSACTION_MS : T4 // Timer D, Timer K
    // Nothing comes twice on a reliable transport, but core's ACK has still to find its way.
    const lingerMs = isReliable(transaction.destination) ? 0 : timerMs
    transaction.linger = this.#deps.clock.setTimeout(() => this.#end(key), lingerMs)
  }

  #expire(key: string): void {
    const transaction = this.#live.get(key)
    this.#end(key)
    if (transaction && isReliable(transaction.destination)) this.#deps.silent?.(transaction.destination)
  }

  #end(key: string): void {
    const transaction = this.#live.get(key)
    transaction?.retransmission.stop()
    transaction?.linger?.cancel()
    this.#live.delete(key)
  }
}
