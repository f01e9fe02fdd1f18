import type { MessageEvent, PeerEvent, SubscriptionEvent } from '../../src/engine/protocol.js'

/** What happens outside of calls. */
export type OutsideEvent = MessageEvent | PeerEvent | SubscriptionEvent
