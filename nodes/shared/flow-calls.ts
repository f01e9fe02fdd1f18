/** The calls as the flows see them: their latest snapshots, the nodes that wait for an answer, and the node that gets each event. */
import { isoTime } from '../../src/base/iso-time.js'
import type { CallEvent, CallSnapshot } from '../../src/call/call-event.js'
import { TelephonyError } from './errors.js'
import type { Ended, LiveNode, LiveNodes } from './live-nodes.js'
import type { EventNote } from './message.js'

export type Answered = Extract<CallEvent, { type: 'call.answered' }>

/** How many ended calls keep their last snapshot, so that a late node sees how its call ended. */
const KEPT_ENDED = 500

interface Known {
  snapshot: CallSnapshot
  owner: string | null
  seq: number
}

interface Waiter {
  resolve: (event: Answered | Ended) => void
  reject: (error: TelephonyError) => void
}

export class FlowCalls {
  readonly #live: LiveNodes
  /** True while a deploy has closed nodes that it may create again. */
  readonly #isAway: () => boolean
  readonly #orphaned: (callId: string) => void
  readonly #record: (event: Ended) => void
  readonly #known = new Map<string, Known>()
  readonly #endedIds: string[] = []
  readonly #waiters = new Map<string, Waiter>()
  /** The node that started each play or recording, by media id. */
  readonly #mediaOwners = new Map<string, { nodeId: string; callId: string }>()
  #held: CallEvent[] = []

  constructor(deps: {
    live: LiveNodes
    isAway: () => boolean
    orphaned: (callId: string) => void
    /** Called once per call, when it has ended. */
    record: (event: Ended) => void
  }) {
    this.#live = deps.live
    this.#isAway = deps.isAway
    this.#orphaned = deps.orphaned
    this.#record = deps.record
  }

  handle(event: CallEvent): void {
    this.#remember(event)
    this.#tellWaiter(event)
    if (this.#isAway() || this.#held.length > 0) this.#held.push(event)
    else this.#deliver(event)
    if (event.type === 'call.ended') this.#forgetLater(event.callId)
  }

  /** The new nodes exist: they get the events of the meantime. Calls without a node follow their account's policy. */
  resume(): void {
    const held = this.#held
    this.#held = []
    for (const event of held) this.#deliver(event)
    for (const { snapshot, owner } of [...this.#known.values()]) {
      if (snapshot.state === 'ended' || owner === null || this.#live.get(owner)) continue
      this.#orphaned(snapshot.id)
    }
  }

  snapshot(callId: string): CallSnapshot | undefined {
    return this.#known.get(callId)?.snapshot
  }

  /** The node's latest call that has not ended. A node that a deploy created again shows it. */
  liveCallOf(nodeId: string): CallSnapshot | undefined {
    return [...this.#known.values()].findLast(({ owner, snapshot }) => owner === nodeId && snapshot.state !== 'ended')
      ?.snapshot
  }

  /** The event note for an action of a node; it has the sequence number of the call's latest event. */
  note(callId: string, name: string): EventNote {
    return { name, seq: this.#known.get(callId)?.seq ?? 0, at: isoTime(Date.now()) }
  }

  /** Resolves when the call is answered or ends without an answer. Call this before dialling, or an early event is missed. */
  outcome(callId: string): Promise<Answered | Ended> {
    return new Promise((resolve, reject) => this.#waiters.set(callId, { resolve, reject }))
  }

  forgetOutcome(callId: string): void {
    this.#waiters.delete(callId)
  }

  ownMedia(mediaId: string, nodeId: string, callId: string): void {
    this.#mediaOwners.set(mediaId, { nodeId, callId })
  }

  disownMedia(mediaId: string): void {
    this.#mediaOwners.delete(mediaId)
  }

  /** Forgets all calls after the engine has stopped, and rejects what waits for them. */
  clear(reason: TelephonyError): void {
    for (const waiter of this.#waiters.values()) waiter.reject(reason)
    this.#waiters.clear()
    this.#mediaOwners.clear()
    this.#known.clear()
    this.#endedIds.length = 0
    this.#held = []
  }

  #remember(event: CallEvent): void {
    const owner = event.owner ?? this.#known.get(event.callId)?.owner ?? null
    this.#known.set(event.callId, { snapshot: event.call, owner, seq: event.seq })
  }

  #tellWaiter(event: CallEvent): void {
    if (event.type !== 'call.answered' && event.type !== 'call.ended') return
    this.#waiters.get(event.callId)?.resolve(event)
    this.#waiters.delete(event.callId)
  }

  #deliver(event: CallEvent): void {
    const owner = event.owner === null ? undefined : this.#live.get(event.owner)
    if (owner) guard(owner, () => owner.onCall?.(event))
    this.#deliverMedia(event)
    for (const node of this.#live.listeningTo('onAnyCall')) guard(node, () => node.onAnyCall?.(event))
    if (event.type === 'call.ended') this.#record(event)
    const orphan = event.owner !== null && !owner && event.type !== 'call.ended'
    if (orphan) this.#orphaned(event.callId)
  }

  #deliverMedia(event: CallEvent): void {
    if (event.type !== 'call.play-ended' && event.type !== 'call.record-ended') return
    const owner = this.#mediaOwners.get(event.mediaId)
    this.#mediaOwners.delete(event.mediaId)
    const node = owner && this.#live.get(owner.nodeId)
    if (node) guard(node, () => node.onMedia?.(event))
  }

  #forgetLater(callId: string): void {
    this.#endedIds.push(callId)
    if (this.#endedIds.length <= KEPT_ENDED) return
    const oldest = this.#endedIds.shift()
    if (oldest !== undefined) this.#known.delete(oldest)
    for (const [mediaId, media] of this.#mediaOwners) if (media.callId === oldest) this.#mediaOwners.delete(mediaId)
  }
}

/** An exception in one node does not keep the event from the other nodes. */
export function guard(node: LiveNode, run: () => void): void {
  try {
    run()
  } catch (error) {
    node.node.error(TelephonyError.from(error))
  }
}
