import type { Account } from '../account/account.js'
import type { RegistrationState } from '../account/registration-state.js'
import type { Clock } from '../base/clock.js'
import type { HangupInit } from '../call/call.js'
import type { IncomingInvite, IncomingRequest, IncomingSubscription } from '../sip/types.js'
import type { RootLogger } from '../trace/logger.js'
import type { Lease, OpenEndpoint } from './endpoints.js'
import type { EngineNames } from './engine-names.js'
import type { Destination } from './local-address.js'
import type { MediaAddress } from './media-address.js'
import type { AccountConfig } from './protocol.js'

export interface EngineAccountsDeps {
  clock: Clock
  log: RootLogger
  openEndpoint: OpenEndpoint
  names: Pick<EngineNames, 'host' | 'servers'>
  /** The local address from which this machine reaches a host. */
  localAddress: (peer: Destination) => Promise<string>
  /** The addresses of this machine. */
  addresses: () => readonly string[]
  activeCalls: (accountId: string) => number
  /** Ends the account's calls; resolves when they have ended. */
  hangUpAll: (accountId: string, how: HangupInit) => Promise<void>
  /** The account's calls on lost local addresses continue from the account's new address. */
  follow: (entry: AccountEntry, isGone: (host: string) => boolean) => void
  invite: (entry: AccountEntry, invite: IncomingInvite) => void
  /** Whether the account's rule decides calls without a flow. */
  decidesAtOnce: (accountId: string) => boolean
  /** A MESSAGE to the account. */
  request: (entry: AccountEntry, incoming: IncomingRequest) => void
  subscription: (entry: AccountEntry, incoming: IncomingSubscription) => void
  registration: (accountId: string, state: RegistrationState) => void
}

/** The current account; replaced as a whole when a setting changes that matters on the wire. */
export interface AccountEntry {
  config: AccountConfig
  account: Account
  lease: Lease
  /** The address in SDP. */
  mediaAddress: MediaAddress
  /** Resolves at the first answer or failure of its REGISTER; at once for an account that does not register. */
  registrarAnswered: Promise<void>
  forgetSecret: () => void
  /** Ends the reports of the public address. */
  unwatch: () => void
}
