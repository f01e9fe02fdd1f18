import type { Dialog } from 'sip.js/lib/core/index.js'
import type { Clock } from '../../base/clock.js'
import type { Logger } from '../../base/logger.js'
import { TransientMap } from '../../base/transient-map.js'
import type { AccountCore } from '../core/account-core.js'
import type { CanReach } from '../core/dialog-internals.js'
import type { ParsedRequest } from '../message/parsed-message.js'
import type { ClientTransactions } from '../transaction/client-transactions.js'
import type { SipAddress, UserAgentInit } from '../types.js'
import type { SipUri } from '../uri/sip-uri.js'

/** A dialog, for requests that core itself does not know. */
export interface DialogReceiver {
  /** RFC 3311; sequence and Contact have been checked. */
  receiveUpdate(message: ParsedRequest): void
}

/** What the parts of one account's user agent share. */
export interface AccountContext {
  readonly clock: Clock
  readonly log: Logger
  readonly core: AccountCore
  readonly init: UserAgentInit
  readonly aor: SipUri
  readonly contactUri: string
  readonly clients: ClientTransactions
  readonly keepAlive: (to: SipAddress) => void
  /** Whether our transports and our address family lead there. */
  readonly canReach: CanReach
  /** Of the whole endpoint, by sip.js' dialog id. */
  readonly dialogs: TransientMap<string, DialogReceiver>
  /** These two: see SharedMaps. */
  readonly inviting: TransientMap<string, true>
  readonly byPeer: TransientMap<string, Dialog>
  /** Called when the endpoint closes: nobody shall wait for an answer for ever. */
  readonly closing: Closers
}

/** Whoever waits for an answer, for the day that none will come. */
export class Closers {
  readonly #open = new TransientMap<number, () => void>()
  #next = 0

  /** Returns what takes it out again; idempotent. */
  add(close: () => void): () => void {
    const key = this.#next++
    this.#open.set(key, close)
    return () => this.#open.delete(key)
  }

  closeAll(): void {
    for (const close of [...this.#open.values()]) close()
  }
}

/** RFC 3261 8.1.1.8: where requests within a dialog find us. */
export const contactLine = (context: AccountContext): string => `Contact: <${context.contactUri}>`

/**
 * Runs a handler of a layer above; what it throws is logged and goes no further, because a packet or timer called us.
 */
export function guarded<Result>(log: Logger, what: string, run: () => Result): Result | undefined {
  try {
    return run()
  } catch (error) {
    log.error({ err: error }, `${what} handler failed`)
    return undefined
  }
}
