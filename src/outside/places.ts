import type { Target } from '../account/target.js'
import type { UserAgent } from '../sip/types.js'

/** An account as it is now; it is replaced when its settings change, so it is looked up for each request. */
export interface Place {
  userAgent: Pick<UserAgent, 'request' | 'subscribe'>
  /** Host of Call-IDs. */
  host: string
  /** `sip:alice@example.com` */
  aor: string
  /** Our first proxy or registrar, as a target. */
  server: string
  exposed: readonly string[]
  /** Throws BAD_TARGET. */
  target(text: string): Target
  /** The same, and checks that the account may call it. Throws TARGET_BLOCKED. */
  allowedTarget(text: string): Target
}

/** Throws NO_ACCOUNT. */
export type FindPlace = (accountId: string) => Place
