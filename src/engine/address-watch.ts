import { networkInterfaces } from 'node:os'
import type { Clock, Timer } from '../base/clock.js'

/** ROBUSTNESS: registered again within 10 s; up to 3 of them go into an un-REGISTER that nobody hears. */
const LOOK_MS = 4_000

export const ownAddresses = (): string[] =>
  Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address))

interface AddressWatchDeps {
  clock: Clock
  /** Those of this machine. */
  addresses: () => readonly string[]
  /** Some came or went. */
  changed: (addresses: ReadonlySet<string>) => void
}

/** Nobody tells Node when this machine's addresses change, so they are looked at now and then. */
export class AddressWatch {
  readonly #deps: AddressWatchDeps
  #known = ''
  #timer: Timer | undefined

  constructor(deps: AddressWatchDeps) {
    this.#deps = deps
  }

  /** Idempotent. */
  start(): void {
    if (this.#timer) return
    this.#known = this.#listed().join()
    this.#lookLater()
  }

  /** Idempotent. */
  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #lookLater(): void {
    this.#timer = this.#deps.clock.setTimeout(() => {
      this.#lookLater()
      const addresses = this.#listed()
      if (addresses.join() === this.#known) return
      this.#known = addresses.join()
      this.#deps.changed(new Set(addresses))
    }, LOOK_MS)
  }

  #listed(): string[] {
    return [...this.#deps.addresses()].sort()
  }
}
