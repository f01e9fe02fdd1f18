import type { Clock } from '../../base/clock.js'
import type { Logger } from '../../base/logger.js'
import type { CanReach } from '../dialog/dialog.js'
import type { DialogIndex } from '../dialog/dialog-index.js'
import type { Sender } from '../sender.js'
import type { SipAddress, SipProtocol, UserAgentInit } from '../types.js'
import type { NameAddress } from '../uri/name-address.js'
import type { SipUri } from '../uri/sip-uri.js'
import type { Contacts } from './contacts.js'

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
  /** RFC 3261 8.1.2: the pre-existing route set of a request outside of dialogs. */
  routeSetTo(target: SipUri): readonly NameAddress[]
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
