import type { Clock } from '../../base/clock.js'
import type { Logger } from '../../base/logger.js'
import type { CanReach } from '../dialog/dialog.js'
import type { DialogIndex } from '../dialog/dialog-index.js'
import type { Sender } from '../sender.js'
import type { SipAddress, SipProtocol, UserAgentInit } from '../types.js'
import type { SipUri } from '../uri/sip-uri.js'
import type { Contacts } from './contacts.js'
import type { Routes } from './routes.js'

/** What the parts of one account's user agent share. */
export interface AccountContext {
  readonly clock: Clock
  readonly log: Logger
  readonly init: UserAgentInit
  readonly aor: SipUri
  /** RFC 3261 8.1.1.8: where requests within a dialog find us. */
  readonly contacts: Contacts
  /** One header line, or none if the endpoint has no name (20.41: optional, but never empty). */
  readonly userAgentLines: readonly string[]
  /** For URIs that name no transport. */
  readonly prefer: SipProtocol | undefined
  readonly sender: Sender
  /** Of the whole endpoint. */
  readonly dialogs: DialogIndex
  /** Whether our transports and our address family lead there. */
  readonly canReach: CanReach
  keepAlive(to: SipAddress): void
  /** Opens a flow to the next hop of a URI, or finds the open one. Rejects with TRANSPORT. */
  openFlow(uri: SipUri): Promise<SipAddress>
  readonly routes: Routes
}

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
