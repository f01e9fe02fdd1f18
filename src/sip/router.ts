import type { Transport } from 'sip.js/lib/core/index.js'
import type { Clock } from '../base/clock.js'
import { TelephonyError } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import { nextHop, type OutgoingText, readOutgoing } from './message/outgoing-text.js'
import type { Via } from './message/via.js'
import { ClientTransactions, type Destination } from './transaction/client-transactions.js'
import { serverKey } from './transaction/key.js'
import { ServerTransactions } from './transaction/server-transactions.js'
import { TRANSACTION_MS } from './transaction/timers.js'
import { literalAddress, type Resolve } from './transport/resolver.js'

const DEFAULT_PORT = 5060

interface RouterDeps {
  clock: Clock
  log: Logger
  resolve: Resolve
  /** Gives a text to the socket. */
  write(text: string, destination: Destination): Promise<void>
}

/**
 * The way out: finds where a message goes and tells the transactions. It is the transport that core sees, so what it
 * rejects with becomes a 503 (RFC 3261 8.1.3.1).
 */
export class Router implements Transport {
  readonly protocol = 'UDP'
  readonly clients: ClientTransactions
  readonly servers: ServerTransactions
  readonly #deps: RouterDeps

  constructor(deps: RouterDeps) {
    this.#deps = deps
    const resend = (text: string, destination: Destination): void => this.#resend(text, destination)
    this.clients = new ClientTransactions({ clock: deps.clock, resend })
    this.servers = new ServerTransactions({ clock: deps.clock, resend })
  }

  async send(text: string): Promise<void> {
    const message = readOutgoing(text)
    return message.status === undefined ? this.#sendRequest(message) : this.#sendResponse(message, message.status)
  }

  close(): void {
    this.clients.close()
    this.servers.close()
  }

  #sendResponse(message: OutgoingText, status: number): Promise<void> {
    const destination = responseDestination(message.hop)
    this.servers.answered(serverKey(message), status, message.text, destination)
    return this.#deps.write(message.text, destination)
  }

  /**
   * Synchronous up to the socket where nothing has to be resolved: messages leave in the order in which they were sent.
   */
  #sendRequest(message: OutgoingText): Promise<void> {
    const { method, hop } = message
    const followed = method === 'ACK' || method === 'CANCEL' ? this.clients.destinationOf(hop.branch) : undefined
    const next = followed ?? requestDestination(message.text)
    const address = literalAddress(next.host)
    return address === undefined
      ? this.#resolveAndWrite(message, next)
      : this.#write(message, { ...next, host: address })
  }

  async #resolveAndWrite(message: OutgoingText, next: Destination): Promise<void> {
    const deadlineMs = this.#deps.clock.now() + TRANSACTION_MS
    const host = await this.#deps.resolve(next.host)
    // Core has given up by then (Timers B and F): a request must not leave after its 408.
    if (this.#deps.clock.now() >= deadlineMs) throw new TelephonyError('TIMEOUT', `${next.host} was resolved too late`)
    return this.#write(message, { ...next, host })
  }

  async #write(message: OutgoingText, destination: Destination): Promise<void> {
    const { text, method, hop } = message
    this.clients.sent({ text, method, branch: hop.branch, destination })
    try {
      await this.#deps.write(text, destination)
    } catch (error) {
      if (method !== 'ACK') this.clients.forget(hop.branch, method)
      throw error
    }
  }

  #resend(text: string, destination: Destination): void {
    this.#deps.write(text, destination).catch((error) => {
      this.#deps.log.debug({ err: error }, 'a retransmission could not be sent')
    })
  }
}

/** RFC 3261 18.2.2 with RFC 3581 4. The Via was stamped when the request came, so this is an address. */
const responseDestination = (hop: Via): Destination => ({
  host: hop.received ?? hop.host,
  port: Number(hop.rport) || hop.port || DEFAULT_PORT,
})

function requestDestination(text: string): Destination {
  const uri = nextHop(text)
  if (!uri || uri.parts.host === '') throw new TelephonyError('TRANSPORT', 'a request without an address to send it to')
  const { scheme, host, port, params } = uri.parts
  const transport = params.get('transport')?.toLowerCase() ?? 'udp'
  if (scheme !== 'sip' || transport !== 'udp') {
    throw new TelephonyError('TRANSPORT', `${uri.text} asks for another transport than UDP`)
  }
  return { host, port: port ?? DEFAULT_PORT }
}
