import type { Account } from '../account/account.js'
import type { Lookup } from '../account/policy.js'
import type { RegistrationState } from '../account/registration-state.js'
import type { Clock } from '../base/clock.js'
import type { HangupInit } from '../call/call.js'
import type { IncomingInvite } from '../sip/types.js'
import type { RootLogger } from '../trace/logger.js'
import type { Lease, OpenEndpoint } from './endpoints.js'
import type { Towards } from './local-address.js'
import type { MediaAddress } from './media-address.js'
import type { AccountConfig } from './protocol.js'

export interface AccountsDeps {
  clock: Clock
  log: RootLogger
  openEndpoint: OpenEndpoint
  lookup: Lookup
  /** The address that this machine uses to reach a host. */
  localAddress: (peer: Towards) => Promise<string>
  /** This machine's own addresses. */
  addresses: () => readonly string[]
  activeCalls: (accountId: string) => number
  /** Ends the account's calls; resolves when they have ended. */
  hangUpAll: (accountId: string, how: HangupInit) => Promise<void>
  /** The account's calls on local addresses that are gone go on from where it is now. */
  follow: (entry: AccountEntry, isGone: (host: string) => boolean) => void
  invite: (entry: AccountEntry, invite: IncomingInvite) => void
  /** Whether the account's calls wait for nobody's decision. */
  decidesAtOnce: (accountId: string) => boolean
  registration: (accountId: string, state: RegistrationState) => void
}

/** One account as it is now; replaced as a whole when what matters on the wire changes. */
export interface AccountEntry {
  config: AccountConfig
  account: Account
  lease: Lease
  /** What stands in SDP. */
  mediaAddress: MediaAddress
  /** Resolves when its registrar has said something, at once where it has none. */
  asked: Promise<void>
  forgetSecret: () => void
}
