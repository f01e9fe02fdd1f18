import { networkInterfaces } from 'node:os'
import type { Clock, Timer } from '../base/clock.js'

/** Node tells of neither, so both are looked at: often enough to be registered again within 10 s. */
const LOOK_MS = 2_000
/** Clocks that people or NTP set a little are no sleep. */
const SLEPT_MS = 30_000

interface SurroundingsDeps {
  clock: Clock
  /** This machine's own, as they are now. */
  addresses: () => readonly string[]
  /** An address has come or gone: another network, a cable, a new lease. */
  moved: (addresses: readonly string[]) => void
  /** Time went by while everything here stood still: registrars have counted it. */
  slept: () => void
}

/** What happens to the machine under the engine's feet. */
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
    // A monotonic clock stands still while the machine sleeps, the one on the wall does not.
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
