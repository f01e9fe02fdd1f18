import { TelephonyError } from '../../base/errors.js'
import type { PortRange } from '../protocol.js'
import { bindPair, type PortPair } from './port-pair.js'

/** Pairs are bound ahead of need only up to this part of the range: other workers and programs may need the rest. */
const SHARE_AHEAD = 1 / 4
/** Ports in use by other programs that a bind ahead of need may find before it gives up. */
const MAX_MISSES_AHEAD = 8

export interface PortRangeInit extends PortRange {
  /** Limit of pairs that stay bound without a call. */
  maxIdle: number
  /** A pair can be used again when it has been silent for this many `rest` steps. */
  restSteps: number
  random: (below: number) => number
}

/** A pair after its call. */
interface Resting {
  pair: PortPair
  /** Packets that have come since the call, at the last step. */
  strays: number
  silentSteps: number
}

/**
 * The pairs of one address and port range that this worker has bound. After its call a pair rests until its sockets have been silent
 * for a while, so that late packets of the earlier peer do not reach the next call. Then it is ready.
 */
export class PortRangePairs {
  readonly #init: PortRangeInit
  /** By the RTP port; a pair that is being bound or closed is among them. */
  readonly #bound = new Set<number>()
  readonly #ready: PortPair[] = []
  #resting: Resting[] = []
  /** Promised to the engine, which gives them to its next calls. */
  readonly #leased = new Map<number, PortPair>()
  #last: number | undefined
  #leastReady = 0
  /** Pairs that calls took since the last `trim`. */
  taken = 0

  constructor(init: PortRangeInit) {
    this.#init = init
  }

  get bound(): number {
    return this.#bound.size
  }

  get leased(): number {
    return this.#leased.size
  }

  /** A ready pair, else a new one, else a resting one. Errors: NO_PORTS, TRANSPORT. */
  async take(): Promise<PortPair> {
    const { address, portMin, portMax } = this.#init
    const pair = this.#takeReady() ?? (await this.#bindNext()) ?? this.#takeResting()
    if (!pair) {
      throw new TelephonyError(
        'NO_PORTS',
        `all RTP ports from ${portMin} to ${portMax} on ${address} are in use. Choose a larger range in the transport`,
      )
    }
    this.taken++
    return pair
  }

  /** Errors: TRANSPORT (a socket of the pair has failed, or the pair is not leased). */
  takeLeased(port: number): PortPair {
    const pair = this.#leased.get(port)
    this.#leased.delete(port)
    if (!pair || pair.broken) {
      if (pair) void this.#close(pair)
      throw new TelephonyError('TRANSPORT', `the RTP port ${port} of ${this.#init.address} has failed. Try again`)
    }
    this.taken++
    return pair
  }

  /** Ports of up to `count` pairs, which stay reserved for the engine's next calls. */
  async lease(count: number): Promise<number[]> {
    const ports: number[] = []
    while (ports.length < count) {
      const pair = this.#takeReady() ?? (await this.#bindAhead())
      if (!pair) break
      this.#leased.set(pair.port, pair)
      ports.push(pair.port)
    }
    return ports
  }

  /** The engine does not need these leased pairs. */
  giveBack(ports: readonly number[]): void {
    for (const port of ports) {
      const pair = this.#leased.get(port)
      this.#leased.delete(port)
      if (!pair) continue
      this.#ready.push(pair)
      // It was idle all the time.
      this.#leastReady++
    }
  }

  /** The call has ended. */
  release(pair: PortPair): void {
    pair.user = undefined
    if (pair.broken) {
      void this.#close(pair)
      return
    }
    if (this.#ready.length + this.#resting.length >= this.#init.maxIdle) {
      const surplus = this.#takeReady() ?? this.#resting.shift()?.pair
      if (surplus) void this.#close(surplus)
    }
    pair.straysHeard = 0
    this.#resting.push({ pair, strays: 0, silentSteps: 0 })
  }

  /** One step of rest. Between two steps the sockets are read: a thread that was blocked so hears what came meanwhile. */
  rest(): void {
    if (this.#resting.length === 0) return
    const still: Resting[] = []
    for (const resting of this.#resting) {
      const { pair } = resting
      if (pair.straysHeard !== resting.strays) {
        resting.strays = pair.straysHeard
        resting.silentSteps = 0
      } else resting.silentSteps++
      if (pair.broken) void this.#close(pair)
      else if (resting.silentSteps >= this.#init.restSteps) this.#ready.push(pair)
      else still.push(resting)
    }
    this.#resting = still
  }

  /** Closes the ready pairs that no call has needed since the last `trim`. */
  trim(): void {
    const surplus = Math.min(this.#leastReady, this.#ready.length)
    for (const pair of this.#ready.splice(0, surplus)) void this.#close(pair)
    this.#leastReady = this.#ready.length
    this.taken = 0
  }

  /** Closes the pairs with ports from `portMin` to `portMax` that are neither used nor leased; resolves when the ports are free. */
  async free(portMin = 0, portMax = Number.POSITIVE_INFINITY): Promise<void> {
    const isIn = ({ rtcpPort, port }: PortPair) => rtcpPort >= portMin && port <= portMax
    const idle = [...this.#ready, ...this.#resting.map(({ pair }) => pair)].filter(isIn)
    const kept = this.#ready.filter((pair) => !isIn(pair))
    this.#ready.splice(0, Number.POSITIVE_INFINITY, ...kept)
    this.#resting = this.#resting.filter(({ pair }) => !isIn(pair))
    await Promise.all(idle.map((pair) => this.#close(pair)))
  }

  /** Closes all pairs but those that calls use. */
  async close(): Promise<void> {
    this.giveBack([...this.#leased.keys()])
    await this.free()
  }

  /** Any of the ready pairs, so that a peer cannot guess the port of the next call. */
  #takeReady(): PortPair | undefined {
    while (this.#ready.length > 0) {
      const [pair] = this.#ready.splice(this.#init.random(this.#ready.length), 1)
      this.#leastReady = Math.min(this.#leastReady, this.#ready.length)
      if (pair && !pair.broken) return pair
      if (pair) void this.#close(pair)
    }
    return undefined
  }

  /** The pair that has been silent for the longest time; one to which the earlier peer has sent only if there is no other. */
  #takeResting(): PortPair | undefined {
    const [best] = [...this.#resting].sort(
      (a, b) => Math.sign(a.pair.straysHeard) - Math.sign(b.pair.straysHeard) || b.silentSteps - a.silentSteps,
    )
    if (best) this.#resting.splice(this.#resting.indexOf(best), 1)
    return best?.pair
  }

  async #bindAhead(): Promise<PortPair | undefined> {
    if (this.#bound.size >= this.#size * SHARE_AHEAD) return undefined
    // A failure shows when a call needs the port.
    return this.#bindNext(MAX_MISSES_AHEAD).catch(() => undefined)
  }

  async #bindNext(maxMisses = Number.POSITIVE_INFINITY): Promise<PortPair | undefined> {
    let misses = 0
    for (const port of this.#candidates()) {
      // Set before the wait, so that simultaneous calls do not try the same port.
      this.#last = port
      this.#bound.add(port)
      const pair = await bindPair(this.#init.address, port).catch((error: unknown) => {
        this.#bound.delete(port)
        throw error
      })
      if (pair) return pair
      this.#bound.delete(port)
      if (++misses >= maxMisses) break
    }
    return undefined
  }

  /** Number of pairs in the range. */
  get #size(): number {
    const { portMin, portMax } = this.#init
    return Math.floor((portMax - portMin - (portMin % 2) + 1) / 2)
  }

  /** RFC 3550 11: even ports. Begins at a random port, later after the last bound one. */
  *#candidates(): Generator<number> {
    const { portMin, random } = this.#init
    const first = portMin + (portMin % 2)
    const count = this.#size
    if (count < 1) return
    const start = this.#last === undefined ? random(count) : (this.#last - first) / 2 + 1
    for (let i = 0; i < count; i++) {
      const port = first + 2 * ((start + i) % count)
      if (!this.#bound.has(port)) yield port
    }
  }

  async #close(pair: PortPair): Promise<void> {
    await pair.close()
    this.#bound.delete(pair.port)
  }
}
