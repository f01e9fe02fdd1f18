/** The nodes that exist right now, by id. A call outlives the node that placed it; its events go to the node with that id. */
import type { CallEvent } from '../../src/call/call-event.js'
import type { EngineEvents, RegistrationState } from '../../src/engine/protocol.js'
import type { RedNode } from './red.js'
import type { Status, StatusKey } from './status.js'

export type Ended = Extract<CallEvent, { type: 'call.ended' }>

/** What the engine's events reach of a node. Each is optional; none may keep the node in a closure. */
export interface LiveNode {
  readonly id: string
  readonly type: string
  readonly node: RedNode
  /** Id of its sip-account; '' for none or all. */
  readonly accountId: string
  /** `isOver`: it stays until the account has news. */
  show(status: Status, isOver?: boolean): void
  showCount(key: StatusKey, count: number): void
  /** The same status again, or the engine's where that died. */
  refresh(): void
  /** The state of an account has changed: the node's own, or one of all where it has none. */
  showAccount(): void
  /** An event of a call that this node placed or took. */
  onCall?(event: CallEvent): void
  /** An event of a play or recording that this node started. */
  onMedia?(event: CallEvent): void
  /** An event of any call, whoever owns it. */
  onAnyCall?(event: CallEvent): void
  /** The end of any call, with its record; also of one that a stop of the flows ended before. */
  onRecord?(event: Ended): void
  onRegistration?(accountId: string, registration: RegistrationState): void
  onEngine?(engine: EngineEvents['engine']): void
}

export class LiveNodes {
  readonly #nodes = new Map<string, LiveNode>()

  add(node: LiveNode): void {
    this.#nodes.set(node.id, node)
  }

  /** A node closes after its successor was made in some deploys: only the same object is removed. */
  remove(node: LiveNode): void {
    if (this.#nodes.get(node.id) === node) this.#nodes.delete(node.id)
  }

  get(id: string): LiveNode | undefined {
    return this.#nodes.get(id)
  }

  all(): LiveNode[] {
    return [...this.#nodes.values()]
  }
}
