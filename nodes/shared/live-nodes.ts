/** The nodes that exist now, by id. A call outlives the node object that placed it; its events go to the node that has the id now. */
import type { CallEvent } from '../../src/call/call-event.js'
import type { EngineEvents, RegistrationState } from '../../src/engine/protocol.js'
import type { TelephonyError } from './errors.js'
import type { OutsideEvent } from './outside-event.js'
import type { RedNode } from './red.js'
import type { Status, StatusKey } from './status.js'

export type Ended = Extract<CallEvent, { type: 'call.ended' }>

/** The part of a node that the engine's events use. A handler must not keep the node in a closure. */
export interface LiveNode {
  readonly id: string
  readonly type: string
  readonly node: RedNode
  /** Id of its sip-account; '' for none or for all. */
  readonly accountId: string
  /** `isOver`: the status stays until the account's state changes. */
  show(status: Status, isOver?: boolean): void
  showError(error: TelephonyError): void
  showCount(key: StatusKey, count: number): void
  /** Shows the same status again, or that of the engine if it died. */
  refresh(): void
  /** The state of the node's account has changed, or that of any account if the node has none. */
  showAccount(): void
  /** An event of a call that this node placed or took. */
  onCall?(event: CallEvent): void
  /** An event of a play or recording that this node started. */
  onMedia?(event: CallEvent): void
  /** An event of any call, placed by any node. */
  onAnyCall?(event: CallEvent): void
  /** The end of any call, with its record. Also for calls that an earlier stop of the flows has ended. */
  onRecord?(event: Ended): void
  onRegistration?(accountId: string, registration: RegistrationState): void
  /** A message, a pinged peer or a subscription: of any account. */
  onOutside?(event: OutsideEvent): void
  onEngine?(engine: EngineEvents['engine']): void
}

/** Events that go to each node with a handler for them, whichever node the call belongs to. */
type Broadcast = 'onAnyCall' | 'onOutside' | 'onRecord' | 'onRegistration'

export class LiveNodes {
  readonly #nodes = new Map<string, LiveNode>()
  /** Found again after a change: a flow may have thousands of nodes, and few of them listen to every call. */
  readonly #listeners = new Map<Broadcast, readonly LiveNode[]>()

  add(node: LiveNode): void {
    this.#nodes.set(node.id, node)
    this.#listeners.clear()
  }

  /** Some deploys create the new node before they close the old one, so only the same object is removed. */
  remove(node: LiveNode): void {
    if (this.#nodes.get(node.id) !== node) return
    this.#nodes.delete(node.id)
    this.#listeners.clear()
  }

  get(id: string): LiveNode | undefined {
    return this.#nodes.get(id)
  }

  listeningTo(name: Broadcast): readonly LiveNode[] {
    const known = this.#listeners.get(name)
    if (known) return known
    const found = this.all().filter((node) => node[name] !== undefined)
    this.#listeners.set(name, found)
    return found
  }

  all(): LiveNode[] {
    return [...this.#nodes.values()]
  }
}
