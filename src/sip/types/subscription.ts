import type { SipUri } from '../uri/sip-uri.js'
import type { FinalResponse, HeaderField, SipBody, SipRequest } from './message.js'

/** A Subscription-State header (RFC 6665 8.2.3). */
export interface SubscriptionState {
  state: 'active' | 'pending' | 'terminated'
  /** `terminated`: deactivated, probation, rejected, timeout, giveup, noresource, invariant, or an extension. */
  reason?: string
  expiresSec?: number
  retryAfterSec?: number
}

export interface SubscribeInit {
  target: string | SipUri
  sipCallId: string
  /** Event package: `presence`, `dialog`, … */
  event: string
  /** Tells several subscriptions to the same package apart (RFC 6665 8.2.1). */
  eventId?: string
  /** 0: one notification, then the end (RFC 6665 4.4.3). */
  expiresSec: number
  /** Content types of the notifications. */
  accept?: readonly string[]
  headers?: readonly HeaderField[]
}

/** Why a subscription has ended. */
export type SubscriptionEnd =
  | { kind: 'unsubscribed' }
  /** The one notification of a fetch has come. */
  | { kind: 'fetched' }
  /** The notifier has ended it. */
  | { kind: 'terminated'; reason: string; retryAfterSec?: number }
  /** The first SUBSCRIBE or a refresh was refused, or had no answer. */
  | { kind: 'refused'; response: FinalResponse; isRefresh: boolean }
  /** RFC 6665 4.1.2.4, Timer N: accepted, but no NOTIFY has come. */
  | { kind: 'silent' }
  /** No refresh succeeded in time. */
  | { kind: 'expired' }
  | { kind: 'closed' }

export interface SubscriptionHandlers {
  notified(notification: { state: SubscriptionState; request: SipRequest }): void
  /** Once. */
  ended(end: SubscriptionEnd): void
}

/** Our subscription to the state of a resource. */
export interface OutgoingSubscription {
  /** Ends it at the notifier; `ended` follows. Idempotent. */
  unsubscribe(): void
}

/** A SUBSCRIBE of a peer that waits for an answer. */
export interface IncomingSubscription {
  readonly request: SipRequest
  /** '' if the request names none. */
  readonly event: string
  readonly expiresSec: number
  /** Answers 200. The caller then notifies at once (RFC 6665 4.2.1.2). */
  accept(handlers: NotifierHandlers): Notifier
  reject(status: number, init?: { headers?: readonly HeaderField[] }): void
}

export interface NotifierHandlers {
  /** The subscriber has refreshed the subscription and is due a notification. */
  refreshed(): void
  /** The subscription has ended; `unsubscribed` and `expired` are due the last notification (RFC 6665 4.2.2). */
  ended(why: 'unsubscribed' | 'expired' | 'lost' | 'closed'): void
}

/** A peer's subscription to our state. */
export interface Notifier {
  readonly request: SipRequest
  /** Sends the state. A newer state replaces one that waits for the answer to the NOTIFY before. `end`: the reason of the last NOTIFY. */
  notify(body: SipBody | undefined, init?: { end?: string; pending?: boolean }): void
}
