/** Commands and events outside of calls: messages, pings of peers, subscriptions and the states that we publish. */
import type { SipAddress } from '../sip/types.js'

/** `delivered`: 200. `accepted`: 202, a server stores it (RFC 3428 7). */
export interface MessageResult {
  result: 'delivered' | 'accepted' | 'refused' | 'no-answer'
  status: number
  reason: string
}

export interface PingResult {
  /** The peer has answered, with any status but 408, 502, 503 and 504, by which a proxy says that it cannot reach the peer. */
  up: boolean
  /** 0: no answer came in time, or the request could not be sent. */
  status: number
  reason: string
  /** From the request to its final answer, a repetition with credentials included; null without an answer. */
  latencyMs: number | null
  /** Where the answer came from. */
  source: SipAddress | null
  /** User-Agent or Server of the answer, '' without one. */
  agent: string
}

export interface PingCommand {
  accountId: string
  /** Absent or '': the account's first proxy, or its registrar. */
  target?: string
  /** Absent: 5 s. */
  timeoutMs?: number
}

export interface SubscribeCommand {
  accountId: string
  /** Chosen by the caller, so that it can listen before the first event. The same id again replaces the subscription. */
  subscriptionId?: string
  target: string
  /** `presence`, `dialog`, `message-summary`, `reg`, `refer`, or any other package. */
  event: string
  /** Absent: 600. 0: one notification, then the end. */
  expiresSec?: number
  /** Content types that the subscriber understands. Absent: that of the package. */
  accept?: string[]
  headers?: Record<string, string>
  owner?: string
}

export interface PublishCommand {
  accountId: string
  event: string
  /** Absent or '': the account's own address. */
  target?: string
  /** As in `notify`; null removes the published state. */
  state: unknown
  contentType?: string
  expiresSec?: number
}

export type OutsideCommands = {
  /** Resolves with the final answer. Rejects with BAD_TARGET, TARGET_BLOCKED, BAD_HEADER, BAD_ARGUMENT, NO_ACCOUNT. */
  sendMessage(a: {
    accountId: string
    target: string
    text: string
    /** Absent: text/plain;charset=UTF-8. */
    contentType?: string
    headers?: Record<string, string>
  }): Promise<MessageResult>
  /** Whether this taker takes the account's inbound messages. Without a taker they are answered 480. */
  takeMessages(a: { accountId: string; taker: string; on: boolean }): void
  ping(a: PingCommand): Promise<PingResult>
  /** Pings a peer at once and at intervals, until `unwatchPeer`. The same id again replaces the watch. */
  watchPeer(
    a: PingCommand & {
      watchId: string
      intervalMs: number
      /** Pings in succession without an answer after which the peer is down; absent: 3. */
      failures?: number
      owner?: string
    },
  ): void
  unwatchPeer(a: { watchId: string }): void
  /** Stays subscribed until `unsubscribe`: it subscribes again after an end that allows it. */
  subscribe(a: SubscribeCommand): { subscriptionId: string }
  unsubscribe(a: { subscriptionId: string }): void
  /**
   * Sets the state that subscribers of this account get, now and at each change. A peer may subscribe once there is one. `state`: an object
   * as the events show it (docs/reference/messages.md), or a text with `contentType`. null: the state is gone, and its subscriptions end.
   */
  notify(a: {
    accountId: string
    event: string
    /** User of the subscribed address. Absent or '': every user without a state of its own. */
    resource?: string
    state: unknown
    contentType?: string
  }): { subscribers: number }
  /** Publishes a state at a server (RFC 3903), and keeps it fresh. Rejects with REFUSED, TIMEOUT. */
  publish(a: PublishCommand): Promise<void>
}

interface Common {
  accountId: string
  at: string
}

export interface MessageEvent extends Common {
  type: 'message.received'
  from: { uri: string; user: string; displayName: string }
  to: { uri: string; user: string }
  contentType: string
  text: string
  /** As far as the account exposes them. */
  headers: Record<string, string>
  sipCallId: string
}

export interface PeerEvent extends Common {
  /** `peer.up`, `peer.down`: the state has changed, or is known for the first time. `peer.ping`: each result. */
  type: 'peer.up' | 'peer.down' | 'peer.ping'
  watchId: string
  owner: string | null
  target: string
  result: PingResult
  /** Pings in succession without an answer. */
  failures: number
}

interface OurSubscription extends Common {
  subscriptionId: string
  owner: string | null
  target: string
  event: string
}

export type SubscriptionEvent =
  | (OurSubscription & { type: 'subscription.active' | 'subscription.pending' })
  | (OurSubscription & {
      type: 'subscription.notify'
      /** The content as an object; null if it is empty, malformed or of an unknown type. */
      state: unknown
      contentType: string
      body: string
    })
  | (OurSubscription & {
      type: 'subscription.ended'
      /** `unsubscribed`, `fetched`, `refused`, `no-notify`, `expired`, or the notifier's reason. */
      cause: string
      /** Of the answer that refused it; 0 without one. */
      status: number
      reason: string
      /** When it subscribes again; null: never. */
      retryAt: string | null
    })
  | (Common & {
      /** A peer has subscribed to our state, or does so no longer. */
      type: 'subscriber.added' | 'subscriber.removed'
      event: string
      resource: string
      from: { uri: string; user: string; displayName: string }
      subscribers: number
    })

export type OutsideEvents = {
  message: MessageEvent
  peer: PeerEvent
  subscription: SubscriptionEvent
}
