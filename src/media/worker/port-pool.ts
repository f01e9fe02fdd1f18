import { readFileSync } from 'node:fs'
import type { Clock, Timer } from '../../base/clock.js'
import type { PortRange } from '../protocol.js'
import type { PortPair } from './port-pair.js'
import { PortRangePairs } from './port-range-pairs.js'

const STEP_MS = 250
/** A pair is used again after 1 to 1.25 s in which nothing came. */
const REST_STEPS = 5
/** Every 5 s the pairs are closed that were not needed in this time. */
const STEPS_PER_TRIM = 20
/** A range that no call has used for a minute keeps no pair. */
const UNUSED_TRIMS = 12
/** A quarter of a second of calls, so that the engine has ports until it has got more. */
const LEASES_PER_SECOND_OF_CALLS = 0.25
const MIN_LEASES = 4
const MAX_LEASES = 256
const TRIM_SECONDS = (STEP_MS * STEPS_PER_TRIM) / 1000

export interface PortPoolDeps {
  clock: Clock
  random: (below: number) => number
  /** Asks the engine to return all leases of the range but `keep`. */
  recall: (range: PortRange, keep: number) => void
}

interface Place {
  range: PortRange
  pairs: PortRangePairs
  unusedTrims: number
  /** Pairs that calls took between the last two trims. */
  takenBefore: number
}

/** The bound port pairs of this worker: kept after a call, given to the next ones, and closed when calls do not need as many. */
export class PortPool {
  readonly #deps: PortPoolDeps
  readonly #maxIdle: number
  readonly #places = new Map<string, Place>()
  readonly #placeOf = new WeakMap<PortPair, Place>()
  #timer: Timer | undefined
  #steps = 0

  constructor(deps: PortPoolDeps, { maxIdle = maxIdlePairs() }: { maxIdle?: number } = {}) {
    this.#deps = deps
    this.#maxIdle = maxIdle
  }

  /** Errors: NO_PORTS, TRANSPORT (the address does not belong to this machine). */
  async take(range: PortRange): Promise<PortPair> {
    const place = this.#placeFor(range)
    return this.#given(place, await place.pairs.take())
  }

  /** Errors: TRANSPORT (the pair has failed meanwhile). */
  takeLeased(range: PortRange, port: number): PortPair {
    const place = this.#placeFor(range)
    return this.#given(place, place.pairs.takeLeased(port))
  }

  #given(place: Place, pair: PortPair): PortPair {
    this.#placeOf.set(pair, place)
    return pair
  }

  /** Ports for the next calls; the engine has `have` leases. `wanted`: how many it should have at the present rate of calls. */
  async lease(range: PortRange, have: number): Promise<{ ports: number[]; wanted: number }> {
    const place = this.#placeFor(range)
    const wanted = wantedLeases(place)
    return { ports: await place.pairs.lease(wanted - have), wanted }
  }

  giveBack(range: PortRange, ports: readonly number[]): void {
    this.#places.get(keyOf(range))?.pairs.giveBack(ports)
  }

  /** The pair rests, then other calls can use it. */
  release(pair: PortPair): void {
    this.#placeOf.get(pair)?.pairs.release(pair)
  }

  /** Closes the pairs with ports of this range that are neither used nor leased: a call needs one of these ports. */
  async free({ portMin, portMax }: Pick<PortRange, 'portMin' | 'portMax'>): Promise<void> {
    await Promise.all([...this.#places.values()].map(({ pairs }) => pairs.free(portMin, portMax)))
  }

  /** Closes every pair that no call uses. */
  async close(): Promise<void> {
    this.#timer?.cancel()
    this.#timer = undefined
    await Promise.all([...this.#places.values()].map(({ pairs }) => pairs.close()))
  }

  #placeFor(range: PortRange): Place {
    const key = keyOf(range)
    let place = this.#places.get(key)
    if (!place) {
      const { address, portMin, portMax } = range
      const pairs = new PortRangePairs({
        ...{ address, portMin, portMax },
        maxIdle: this.#maxIdle,
        restSteps: REST_STEPS,
        random: this.#deps.random,
      })
      place = { range: { address, portMin, portMax }, pairs, unusedTrims: 0, takenBefore: 0 }
      this.#places.set(key, place)
    }
    this.#timer ??= this.#deps.clock.setTimeout(() => this.#step(), STEP_MS)
    return place
  }

  #step(): void {
    for (const { pairs } of this.#places.values()) pairs.rest()
    if (++this.#steps % STEPS_PER_TRIM === 0) for (const [key, place] of this.#places) this.#trim(key, place)
    this.#timer = this.#places.size > 0 ? this.#deps.clock.setTimeout(() => this.#step(), STEP_MS) : undefined
  }

  #trim(key: string, place: Place): void {
    const { pairs, range } = place
    place.takenBefore = pairs.taken
    place.unusedTrims = pairs.taken > 0 ? 0 : place.unusedTrims + 1
    const isUnused = place.unusedTrims >= UNUSED_TRIMS
    const keep = isUnused ? 0 : wantedLeases(place)
    pairs.trim()
    if (pairs.leased > keep) this.#deps.recall(range, keep)
    if (isUnused && pairs.bound === 0) this.#places.delete(key)
  }
}

const keyOf = ({ address, portMin, portMax }: PortRange): string => `${address} ${portMin} ${portMax}`

function wantedLeases({ pairs, takenBefore }: Place): number {
  const perSecond = Math.max(pairs.taken, takenBefore) / TRIM_SECONDS
  return Math.max(MIN_LEASES, Math.min(MAX_LEASES, Math.ceil(perSecond * LEASES_PER_SECOND_OF_CALLS)))
}

/** Idle pairs use at most an eighth of the descriptors that the process may open. */
function maxIdlePairs(): number {
  try {
    const open = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1]
    return Math.max(16, Math.min(4096, Math.floor(Number(open ?? 4096) / 16)))
  } catch {
    return 256
  }
}
