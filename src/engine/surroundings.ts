import { networkInterfaces } from 'node:os'
import type { Clock, Timer } from '../base/clock.js'

/** Node reports neither change, so both are polled, often enough to register again within 10 s. */
const LOOK_MS = 2_000
/** Smaller jumps of the clock, by people or NTP, do not count as sleep. */
const SLEPT_MS = 30_000

interface SurroundingsDeps {
  clock: Clock
  /** The current addresses of this machine. */
  addresses: () => readonly string[]
  /** An address was added or removed: another network, a cable, a new lease. */
  moved: (addresses: readonly string[]) => void
  /** The machine slept: bindings at the registrars may have expired. */
  slept: () => void
}

/** Watches the machine for changes of its addresses and for sleep. */
export class Surroundings {
  readonly #deps: SurroundingsDeps
  #addresses: string
  #aheadMs: number
  #timer: Timer | undefined

  constructor(deps: SurroundingsDeps) {
    this.#deps = deps
    this.#addresses = [...deps.addresses()].sort().join(' ')
    this.#aheadMs = this.#wallAheadMs()
    this.#wait()
  }

  /** Idempotent. */
  close(): void {
    this.#timer?.cancel()
  }

  #wait(): void {
    this.#timer = this.#deps.clock.setTimeout(() => {
      this.#wait()
      this.#look()
    }, LOOK_MS)
  }

  #look(): void {
    const addresses = this.#deps.addresses()
    const text = [...addresses].sort().join(' ')
    // The monotonic clock stops while the machine sleeps, the wall clock does not.
    const sleptMs = this.#wallAheadMs() - this.#aheadMs
    this.#aheadMs += sleptMs
    if (text !== this.#addresses) {
      this.#addresses = text
      this.#deps.moved(addresses)
    }
    if (sleptMs >= SLEPT_MS) this.#deps.slept()
  }

  #wallAheadMs(): number {
    const { clock } = this.#deps
    return clock.wall() - clock.now()
  }
}

export const ownAddresses = (): string[] =>
  Object.values(networkInterfaces()).flatMap((ones) => (ones ?? []).map(({ address }) => address))
