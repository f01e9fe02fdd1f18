import type { Clock, Timer } from '../../base/clock.js'
import type { Destination } from './client-transactions.js'
import { Retransmission } from './retransmission.js'
import { T2, T4, TRANSACTION_MS } from './timers.js'

interface ServerTransaction {
  method: string
  /** accepted: a 2xx to INVITE, which core's dialog repeats until the ACK (RFC 6026 7.1). */
  state: 'proceeding' | 'completed' | 'confirmed' | 'accepted'
  /** The last answer, for those who ask again. */
  answer?: { text: string; destination: Destination }
  retransmission?: Retransmission
  /** Timer I, J or L. */
  linger?: Timer
  ended?: () => void
}

interface Deps {
  clock: Clock
  resend(text: string, destination: Destination): void
}

/**
 * What RFC 3261 17.2 asks of a server on UDP and sip.js leaves out: duplicates are absorbed and answered from bytes for
 * as long as they may come (Timers I, J, L), failures of INVITE are repeated until the ACK (Timers G, H). Core never
 * sees a duplicate.
 */
export class ServerTransactions {
  readonly #deps: Deps
  readonly #live = new Map<string, ServerTransaction>()

  constructor(deps: Deps) {
    this.#deps = deps
  }

  get size(): number {
    return this.#live.size
  }

  has(key: string): boolean {
    return this.#live.has(key)
  }

  /** Nothing has been answered yet, not even provisionally. */
  isOpen(key: string): boolean {
    const transaction = this.#live.get(key)
    return transaction?.state === 'proceeding' && transaction.answer === undefined
  }

  /** A new request, before it is handed to core. */
  begin(key: string, method: string, ended?: () => void): void {
    this.#live.set(key, { method, state: 'proceeding', ...(ended ? { ended } : {}) })
  }

  /** True: a duplicate, dealt with here. */
  receive(key: string, method: string): boolean {
    const transaction = this.#live.get(key)
    if (!transaction) return false
    if (method === 'ACK') return this.#acknowledge(key, transaction)
    // After 2xx there is none: a repeated INVITE is absorbed, the 2xx is repeated by its own timer (RFC 6026 8.7)
    if (transaction.answer && transaction.state !== 'confirmed') {
      this.#deps.resend(transaction.answer.text, transaction.answer.destination)
    }
    return true
  }

  /** A response has been given to the socket. */
  answered(key: string, status: number, text: string, destination: Destination): void {
    const transaction = this.#live.get(key)
    if (transaction?.state !== 'proceeding') return
    if (status >= 200 && status < 300 && transaction.method === 'INVITE') {
      delete transaction.answer // core has the bytes; they need not be kept twice
      this.#linger(key, transaction, 'accepted', TRANSACTION_MS) // Timer L
      return
    }
    transaction.answer = { text, destination }
    if (status < 200) return
    if (transaction.method === 'INVITE') this.#repeatUntilAck(key, transaction, text, destination)
    else this.#linger(key, transaction, 'completed', TRANSACTION_MS) // Timer J
  }

  close(): void {
    for (const key of [...this.#live.keys()]) this.#end(key)
  }

  #repeatUntilAck(key: string, transaction: ServerTransaction, text: string, destination: Destination): void {
    transaction.state = 'completed'
    transaction.retransmission = new Retransmission(
      {
        clock: this.#deps.clock,
        resend: () => this.#deps.resend(text, destination), // Timer G
        expired: () => this.#end(key), // Timer H
      },
      { longestMs: T2 },
    )
  }

  /** The first ACK to a failure goes on to core; so does one to a 2xx that wrongly has the INVITE's branch. */
  #acknowledge(key: string, transaction: ServerTransaction): boolean {
    if (transaction.state === 'accepted') return false
    if (transaction.state !== 'completed') return true
    transaction.retransmission?.stop()
    this.#linger(key, transaction, 'confirmed', T4) // Timer I
    return false
  }

  #linger(key: string, transaction: ServerTransaction, state: ServerTransaction['state'], ms: number): void {
    transaction.state = state
    transaction.linger = this.#deps.clock.setTimeout(() => this.#end(key), ms)
  }

  #end(key: string): void {
    const transaction = this.#live.get(key)
    this.#live.delete(key)
    transaction?.retransmission?.stop()
    transaction?.linger?.cancel()
    transaction?.ended?.()
  }
}
