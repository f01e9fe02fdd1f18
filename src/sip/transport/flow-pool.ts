import { type HostPort, hostPort } from '../../base/host-port.js'
import type { Target } from '../types.js'

import { closedError } from './bind-error.js'
import type { Flow } from './flow.js'

/** A connection in the pool. */
export interface PooledFlow extends Flow {
  /** Nothing has ever been sent to this peer: strangers get silence. */
  readonly isUnanswered: boolean
}

/** Connections that peers have opened; those of one address. */
const MAX_INBOUND = 1_000
const MAX_INBOUND_PER_HOST = 200

/** The connections of one transport, in both directions (RFC 3261 18, RFC 5626). */
export class FlowPool {
  /** By the address of the peer. There are several flows to one address if its hosts have different certificates. */
  readonly #flows = new Map<string, PooledFlow[]>()
  readonly #opening = new Map<string, Promise<Flow>>()
  /** Closes the connection of a peer that has not done its handshake. By its address, the oldest first. */
  readonly #arrivals = new Map<string, () => void>()
  readonly #inboundByHost = new Map<string, number>()
  #inbound = 0
  #isClosed = false

  get isClosed(): boolean {
    return this.#isClosed
  }

  flowTo(to: Target): Flow | undefined {
    const flows = this.#flows.get(hostPort(to))
    return flows?.find((flow) => flow.isOpen && (to.name === undefined || flow.serves(to.name)))
  }

  /** The open flow, or the one that is being opened, or a new one. */
  connect(to: Target, open: () => Promise<PooledFlow>): Promise<Flow> {
    if (this.#isClosed) return Promise.reject(closedError())
    const flow = this.flowTo(to)
    if (flow) return Promise.resolve(flow)
    const key = `${hostPort(to)} ${to.name ?? ''}`
    const under = this.#opening.get(key)
    if (under) return under
    const opening = open().finally(() => this.#opening.delete(key))
    this.#opening.set(key, opening)
    return opening
  }

  add(flow: PooledFlow): void {
    const key = hostPort(flow.remote)
    this.#arrivals.delete(key)
    const others = this.#flows.get(key)
    if (others) others.push(flow)
    else this.#flows.set(key, [flow])
  }

  /** False: it was not in the pool. */
  remove(flow: Flow): boolean {
    const key = hostPort(flow.remote)
    const flows = this.#flows.get(key) ?? []
    const left = flows.filter((each) => each !== flow)
    if (left.length > 0) this.#flows.set(key, left)
    else this.#flows.delete(key)
    return left.length < flows.length
  }

  /** A place for a connection that a peer opens, to be given back by the returned function. Undefined: there are too many. */
  admit(peer: HostPort, close: () => void): (() => void) | undefined {
    const { host } = peer
    const ofHost = this.#inboundByHost.get(host) ?? 0
    if (this.#isClosed || ofHost >= MAX_INBOUND_PER_HOST || !this.#makeRoom()) return undefined
    this.#inbound++
    this.#inboundByHost.set(host, ofHost + 1)
    const key = hostPort(peer)
    this.#arrivals.set(key, close)
    return () => {
      this.#inbound--
      this.#arrivals.delete(key)
      const left = (this.#inboundByHost.get(host) ?? 1) - 1
      if (left > 0) this.#inboundByHost.set(host, left)
      else this.#inboundByHost.delete(host)
    }
  }

  /** Closes the connection of a peer that has not done its handshake. */
  endArrival(peer: HostPort): void {
    this.#arrivals.get(hostPort(peer))?.()
  }

  close(): void {
    this.#isClosed = true
    for (const closeArrival of [...this.#arrivals.values()]) closeArrival()
    for (const flow of [...this.#flows.values()].flat()) flow.close()
  }

  /** A crowd of strangers must not keep a peer out: the oldest that has not done its handshake goes, or that was never answered. */
  #makeRoom(): boolean {
    if (this.#inbound < MAX_INBOUND) return true
    const [closeOldest] = this.#arrivals.values()
    closeOldest?.()
    if (closeOldest) return true
    for (const flows of this.#flows.values()) {
      const stranger = flows.find((flow) => !flow.isOurs && flow.isUnanswered)
      stranger?.close()
      if (stranger) return true
    }
    return false
  }
}
