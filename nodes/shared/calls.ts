/** The calls as the flows know them: latest snapshots, who waits for what, and to which node an event goes. */
import type { CallEvent, CallSnapshot } from '../../src/call/call-event.js'
import { TelephonyError } from './errors.js'
import type { Ended, LiveNode, LiveNodes } from './live-nodes.js'
import type { EventNote } from './message.js'

export type Answered = Extract<CallEvent, { type: 'call.answered' }>

/** Ended calls whose last snapshot is still handed out, so that a late node sees how its call ended. */
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

export class Calls {
  readonly #live: LiveNodes
  /** True while a deploy has taken nodes away that may come back. */
  readonly #isAway: () => boolean
  readonly #orphaned: (callId: string) => void
  readonly #record: (event: Ended) => void
  readonly #known = new Map<string, Known>()
  readonly #endedIds: string[] = []
  readonly #waiters = new Map<string, Waiter>()
  /** Which node started a play or a recording. */
  readonly #mediaOwners = new Map<string, { nodeId: string; callId: string }>()
  #held: CallEvent[] = []

  constructor(deps: {
    live: LiveNodes
    isAway: () => boolean
    orphaned: (callId: string) => void
    /** Every call's end, once. */
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

  /** The new nodes exist: what happened meanwhile reaches them; calls that nobody came back for follow their account's policy. */
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

  /** The latest call of a node that has not ended; a node made anew by a deploy shows it. */
  liveCallOf(nodeId: string): CallSnapshot | undefined {
    return [...this.#known.values()].findLast(({ owner, snapshot }) => owner === nodeId && snapshot.state !== 'ended')
      ?.snapshot
  }

  /** The note of something that a node did; it counts with the call's own events. */
  note(callId: string, name: string): EventNote {
    return { name, seq: this.#known.get(callId)?.seq ?? 0, at: new Date().toISOString() }
  }

  /** Answered, or ended without. Ask before dialling, so that nothing is missed. */
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

  /** The engine is gone; whoever waits is told. */
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
    for (const node of this.#live.all()) guard(node, () => node.onAnyCall?.(event))
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

/** One node's failure must not keep an event from the next. */
export function guard(node: LiveNode, run: () => void): void {
  try {
    run()
  } catch (error) {
    node.node.error(TelephonyError.from(error))
  }
}
