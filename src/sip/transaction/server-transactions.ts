import type { Clock, Timer } from '../../base/clock.js'
import type { SipAddress } from '../types.js'
import { Retransmission } from './retransmission.js'
import { isReliable, T2, T4, TRANSACTION_MS } from './timers.js'

/**
 * Whoever sends an INVITE in somebody else's name must not have that one sent eleven failures for it; what a stranger
 * repeats is answered again all the same.
 */
const REPEATS_TO_STRANGERS = 1

interface ServerTransaction {
  known: boolean
  method: string
  /** Where the request came from. */
  source: SipAddress
  /** accepted: a 2xx to INVITE, which core's dialog repeats until the ACK (RFC 6026 7.1). */
  state: 'proceeding' | 'completed' | 'confirmed' | 'accepted'
  /** The last answer, for those who ask again. */
  answer?: { text: string; destination: SipAddress }
  retransmission?: Retransmission
  /** Timer I, J or L. */
  linger?: Timer
  over?: () => void
}

interface Deps {
  clock: Clock
  resend(text: string, destination: SipAddress): void
}

/**
 * What RFC 3261 17.2 asks of a server and sip.js leaves out: duplicates are absorbed and answered from bytes for
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

  /** RFC 3261 18.2.2: on a connection the answer goes back by the one that brought the request. */
  sourceOf(key: string): SipAddress | undefined {
    return this.#live.get(key)?.source
  }

  /**
   * A new request, before it is handed to core. `over`: it is not ongoing any more (RFC 3261 8.2.2.2), though its repeats are still absorbed:
   * its final answer has been sent, and acknowledged where it refuses an INVITE. After a 2xx to INVITE: when its repeats have ceased.
   */
  begin(key: string, request: { method: string; source: SipAddress; known?: boolean }, over?: () => void): void {
    const { method, source, known = true } = request
    this.#live.set(key, { method, source, known, state: 'proceeding', ...(over ? { over } : {}) })
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
  answered(key: string, status: number, text: string, destination: SipAddress): void {
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
    else this.#linger(key, transaction, 'completed', isReliable(transaction.source) ? 0 : TRANSACTION_MS) // Timer J
  }

  close(): void {
    for (const key of [...this.#live.keys()]) this.#end(key)
  }

  #repeatUntilAck(key: string, transaction: ServerTransaction, text: string, destination: SipAddress): void {
    transaction.state = 'completed'
    let left = transaction.known ? Number.POSITIVE_INFINITY : REPEATS_TO_STRANGERS
    transaction.retransmission = new Retransmission(
      {
        clock: this.#deps.clock,
        resend: () => {
          if (left-- > 0) this.#deps.resend(text, destination) // Timer G
        },
        expired: () => this.#end(key), // Timer H
      },
      { longestMs: T2, repeats: !isReliable(transaction.source) },
    )
  }

  /** The first ACK to a failure goes on to core; so does one to a 2xx that wrongly has the INVITE's branch. */
  #acknowledge(key: string, transaction: ServerTransaction): boolean {
    if (transaction.state === 'accepted') return false
    if (transaction.state !== 'completed') return true
    transaction.retransmission?.stop()
    this.#linger(key, transaction, 'confirmed', isReliable(transaction.source) ? 0 : T4) // Timer I
    return false
  }

  #linger(key: string, transaction: ServerTransaction, state: ServerTransaction['state'], ms: number): void {
    transaction.state = state
    if (state !== 'accepted') this.#over(transaction)
    transaction.linger = this.#deps.clock.setTimeout(() => this.#end(key), ms)
  }

  #over(transaction: ServerTransaction): void {
    const { over } = transaction
    delete transaction.over
    over?.()
  }

  #end(key: string): void {
    const transaction = this.#live.get(key)
    this.#live.delete(key)
    transaction?.retransmission?.stop()
    transaction?.linger?.cancel()
    if (transaction) this.#over(transaction)
  }
}
