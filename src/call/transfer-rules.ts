/** What the accounts allow a peer that transfers a call. */
import type { UserAgent } from '../sip/types.js'
import type { SipUri } from '../sip/uri/sip-uri.js'

/** What an account does with a REFER of the peer: declines it, lets the flow decide, or calls the target. */
export type TransferPolicy = 'deny' | 'flow' | 'follow'

/** From where and to whom the INVITE of a transfer goes. */
export interface TransferPlace {
  userAgent: UserAgent
  target: { uri: SipUri; user: string }
  ringTimeoutMs: number
}

/** The accounts' rules for transfers; one object for all calls of an engine. */
export interface TransferRules {
  policyOf(accountId: string): TransferPolicy
  /** The target that a REFER names. Throws BAD_TARGET, TARGET_BLOCKED, CALL_RATE, NO_ACCOUNT if the account may not call it. */
  placeOf(accountId: string, uri: string): TransferPlace
}
