import type { Clock, Timer } from '../base/clock.js'
import { TelephonyError } from '../base/errors.js'
import { randomBetween } from '../base/ids.js'
import type { OutsideCommands, PeerEvent, PingCommand, PingResult } from './protocol.js'

type Watch = Parameters<OutsideCommands['watchPeer']>[0]

interface PeerWatchesDeps {
  clock: Clock
  ping: (command: PingCommand) => Promise<PingResult>
  tell: (event: PeerEvent) => void
}

const DEFAULT_FAILURES = 3
const MIN_INTERVAL_MS = 1_000
const MAX_INTERVAL_MS = 86_400_000
/** While a peer is silent it is asked sooner, so that its state is known soon. */
const DOUBT_MS = 5_000
/** Many watches do not ping at the same moment. */
const SPREAD = 0.05
const NO_ACCOUNT: Omit<PingResult, 'reason'> = { up: false, status: 0, latencyMs: null, source: null, agent: '' }

/** Peers that are pinged at intervals by OPTIONS (RFC 3261 11). */
export class PeerWatches {
  readonly #deps: PeerWatchesDeps
  readonly #watches = new Map<string, PeerWatch>()

  constructor(deps: PeerWatchesDeps) {
    this.#deps = deps
  }

  /** Throws BAD_ARGUMENT. */
  watch(watch: Watch): void {
    const { intervalMs, failures = DEFAULT_FAILURES } = watch
    if (!(intervalMs >= MIN_INTERVAL_MS && intervalMs <= MAX_INTERVAL_MS))
      throw new TelephonyError('BAD_ARGUMENT', `an interval of ${intervalMs} ms is not possible. Use 1 s to one day`)
    if (!(Number.isInteger(failures) && failures >= 1))
      throw new TelephonyError('BAD_ARGUMENT', `${failures} failures are not possible. Use a whole number from 1`)
    this.unwatch(watch.watchId)
    const begun = new PeerWatch(this.#deps, watch)
    this.#watches.set(watch.watchId, begun)
    void begun.run()
  }

  unwatch(watchId: string): void {
    this.#watches.get(watchId)?.stop()
    this.#watches.delete(watchId)
  }

  /** Ends the watches of an account, or all. */
  stop(accountId?: string): void {
    for (const [watchId, { init }] of this.#watches)
      if (accountId === undefined || init.accountId === accountId) this.unwatch(watchId)
  }
}

class PeerWatch {
  readonly init: Watch
  readonly #deps: PeerWatchesDeps
  #failures = 0
  #isUp: boolean | undefined
  #timer: Timer | undefined
  #isStopped = false

  constructor(deps: PeerWatchesDeps, init: Watch) {
    this.#deps = deps
    this.init = init
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
  }

  async run(): Promise<void> {
    const { clock, ping } = this.#deps
    const { accountId, target = '', timeoutMs } = this.init
    const result = await ping({ accountId, target, ...(timeoutMs === undefined ? {} : { timeoutMs }) }).catch(
      (error): PingResult => ({ ...NO_ACCOUNT, reason: TelephonyError.from(error).message }),
    )
    if (this.#isStopped) return
    this.#note(result)
    const { intervalMs } = this.init
    const waitMs = result.up || this.#isUp === false ? intervalMs : Math.min(intervalMs, DOUBT_MS)
    this.#timer = clock.setTimeout(() => void this.run(), randomBetween((1 - SPREAD) * waitMs, waitMs))
  }

  #note(result: PingResult): void {
    this.#failures = result.up ? 0 : this.#failures + 1
    this.#tell('peer.ping', result)
    const isUp = result.up ? true : this.#failures >= (this.init.failures ?? DEFAULT_FAILURES) ? false : this.#isUp
    if (isUp === undefined || isUp === this.#isUp) return
    this.#isUp = isUp
    this.#tell(isUp ? 'peer.up' : 'peer.down', result)
  }

  #tell(type: PeerEvent['type'], result: PingResult): void {
    const { accountId, watchId, target = '', owner = null } = this.init
    const at = new Date(this.#deps.clock.wall()).toISOString()
    this.#deps.tell({ type, accountId, at, watchId, owner, target, result, failures: this.#failures })
  }
}
