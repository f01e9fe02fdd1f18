import type { Clock, Timer } from '../base/clock.js'
import { TelephonyError } from '../base/errors.js'
import { type HostPort, hostPort } from '../base/host-port.js'
import { BINDING, mappedAddress, newTransactionId, parseStun, stunOctets } from './message.js'

interface BindingsDeps {
  clock: Clock
  /** Sends a datagram by the socket whose public address is asked for. */
  send: (octets: Buffer, to: HostPort) => Promise<void>
}

/** RFC 8489 6.2.1: Rc requests, the time between them doubles from RTO on, and the last one waits Rm * RTO. */
const RTO_MS = 500
const REQUESTS = 7
const LAST_WAIT_MS = 16 * RTO_MS

interface Pending {
  to: HostPort
  octets: Buffer
  sent: number
  timer: Timer | undefined
  resolve: (address: HostPort) => void
  reject: (error: TelephonyError) => void
}

/** Binding requests by one datagram socket (RFC 8489 6): where a server sees the socket, and whether it answers at all. */
export class Bindings {
  readonly #deps: BindingsDeps
  readonly #pending = new Map<string, Pending>()

  constructor(deps: BindingsDeps) {
    this.#deps = deps
  }

  /** Resolves with our address as the server sees it. `to`: an IP address. Rejects with TRANSPORT if there is no answer, after 39.5 s. */
  ask(to: HostPort): Promise<HostPort> {
    return new Promise((resolve, reject) => {
      const id = newTransactionId()
      const octets = stunOctets({ kind: 'request', method: BINDING, id, attributes: [] })
      this.#pending.set(id, { to, octets, sent: 0, timer: undefined, resolve, reject })
      this.#send(id)
    })
  }

  /** A datagram for which `isStun` holds. */
  receive(octets: Buffer, from: HostPort): void {
    const message = parseStun(octets)
    const pending = message && this.#pending.get(message.id)
    // RFC 8489 6.3.3: the transaction id has to match; only the server that was asked may answer.
    if (!message || !pending || pending.to.host !== from.host || pending.to.port !== from.port) return
    if (message.method !== BINDING || (message.kind !== 'success' && message.kind !== 'error')) return
    const address = message.kind === 'success' ? mappedAddress(message) : undefined
    if (address) this.#end(message.id)?.resolve(address)
    else this.#fail(message.id, `the STUN server ${hostPort(from)} answered without an address`)
  }

  /** Idempotent. */
  close(): void {
    for (const id of [...this.#pending.keys()]) this.#fail(id, 'the socket was closed')
  }

  #send(id: string): void {
    const { clock, send } = this.#deps
    const pending = this.#pending.get(id)
    if (!pending) return
    if (pending.sent === REQUESTS) {
      this.#fail(id, `the STUN server ${hostPort(pending.to)} does not answer`)
      return
    }
    const waitMs = ++pending.sent === REQUESTS ? LAST_WAIT_MS : RTO_MS * 2 ** (pending.sent - 1)
    pending.timer = clock.setTimeout(() => this.#send(id), waitMs)
    send(pending.octets, pending.to).catch((error) => this.#fail(id, TelephonyError.from(error).message))
  }

  #fail(id: string, reason: string): void {
    this.#end(id)?.reject(new TelephonyError('TRANSPORT', reason))
  }

  #end(id: string): Pending | undefined {
    const pending = this.#pending.get(id)
    pending?.timer?.cancel()
    this.#pending.delete(id)
    return pending
  }
}
