/**
 * What every node does the same way: settings of older versions, one `done` per message, status, close, errors with a code,
 * and events that reach the node which bears the id now.
 */

import type { NodeDef } from 'node-red'
import type { CallEvent } from '../../src/call/call-event.js'
import type { EngineEvents, RegistrationState } from '../../src/engine/protocol.js'
import { TelephonyError } from './errors.js'
import { FlowNode, type Output, toPort } from './flow-node.js'
import type { Ended, LiveNode } from './live-nodes.js'
import { type Migrations, migrate } from './migrate.js'
import { type ConfigNode, complete, type Done, type Message, type RED, type RedNode, type Send } from './red.js'
import { assertEnvironment } from './settings.js'
import { type AccountState, errorStatus, type StatusKey } from './status.js'
import { connect, nodeClosed, telephony } from './telephony.js'

interface Settings {
  version: number
  account?: string
}

export interface NodeDefinition<Config extends Settings> {
  type: string
  defaults: Config
  migrations: Migrations
  /** Shown, and counted, while messages are being worked on. */
  working?: StatusKey
  /** Runs in the constructor. What it throws is shown, logged, and the answer to every input. */
  open?(node: FlowNode<Config>): void
  /** One message. `done` follows when it resolves, `done(error)` when it rejects. */
  input?(node: FlowNode<Config>, message: Message): Promise<Output | undefined>
  onCall?(node: FlowNode<Config>, event: CallEvent): void
  onMedia?(node: FlowNode<Config>, event: CallEvent): void
  onAnyCall?(node: FlowNode<Config>, event: CallEvent): void
  onRecord?(node: FlowNode<Config>, event: Ended): void
  onAccount?(node: FlowNode<Config>, state: AccountState): void
  onRegistration?(node: FlowNode<Config>, accountId: string, registration: RegistrationState): void
  onEngine?(node: FlowNode<Config>, engine: EngineEvents['engine']): void
}

/** Messages being worked on, by node id: the count outlives the node that began it. */
const working = new Map<string, number>()
telephony.deploys.on('stop', () => working.clear())

export function defineNode<Config extends Settings>(RED: RED, definition: NodeDefinition<Config>): void {
  connect(RED)
  const { type, defaults, migrations } = definition
  RED.nodes.registerType(type, function (this: RedNode, stored: NodeDef) {
    RED.nodes.createNode(this, stored)
    const config = migrate({ ...stored }, defaults, migrations)
    const node = new LiveFlowNode({ RED, node: this, config, accountId: config.account ?? '' }, definition)
    telephony.live.add(node)
    const leaveAccount = joinAccount(RED, node)
    open(definition, node)
    if (definition.input) {
      this.on('input', (message, send, done) => void takeInput(definition, node, message, send, done))
    }
    // Node-RED counts the parameters: with two, the first says whether the node is gone for good.
    this.on('close', (_removed: boolean, done: () => void) => {
      telephony.live.remove(node)
      leaveAccount()
      void nodeClosed().then(done)
    })
  })
}

/** Events find it by its id in the list of live nodes; nothing else holds on to it. */
class LiveFlowNode<Config extends Settings> extends FlowNode<Config> implements LiveNode {
  readonly #on: NodeDefinition<Config>

  constructor(deps: ConstructorParameters<typeof FlowNode<Config>>[0], definition: NodeDefinition<Config>) {
    super(deps)
    this.#on = definition
  }

  onCall(event: CallEvent): void {
    this.#on.onCall?.(this, event)
  }

  onMedia(event: CallEvent): void {
    this.#on.onMedia?.(this, event)
  }

  onAnyCall(event: CallEvent): void {
    this.#on.onAnyCall?.(this, event)
  }

  onRecord(event: Ended): void {
    this.#on.onRecord?.(this, event)
  }

  onAccount(state: AccountState): void {
    this.#on.onAccount?.(this, state)
  }

  onRegistration(accountId: string, registration: RegistrationState): void {
    this.#on.onRegistration?.(this, accountId, registration)
  }

  onEngine(engine: EngineEvents['engine']): void {
    this.#on.onEngine?.(this, engine)
  }
}

function open<Config extends Settings>(definition: NodeDefinition<Config>, node: FlowNode<Config>): void {
  try {
    assertEnvironment(node.config)
    definition.open?.(node)
    const count = working.get(node.id)
    if (definition.working && count) node.showCount(definition.working, count)
  } catch (thrown) {
    node.problem = TelephonyError.from(thrown)
    node.refresh()
    node.node.error(node.problem)
  }
}

/** Through `users` the runtime knows whose Status and Catch nodes hear of the account. */
function joinAccount<Config>(RED: RED, node: FlowNode<Config>): () => void {
  const account = node.accountId === '' ? null : (RED.nodes.getNode(node.accountId) as ConfigNode<unknown> | null)
  if (!account?.users) return () => undefined
  const { users } = account
  users[node.id] = node.node
  return () => {
    if (users[node.id] === node.node) delete users[node.id]
  }
}

async function takeInput<Config extends Settings>(
  definition: NodeDefinition<Config>,
  node: FlowNode<Config>,
  message: Message,
  send: Send,
  done: Done,
): Promise<void> {
  let output: Output | undefined
  let error: TelephonyError | undefined
  countWork(definition, node, +1)
  try {
    if (node.problem) throw node.problem
    output = await definition.input?.(node, message)
  } catch (thrown) {
    error = TelephonyError.from(thrown)
  }
  await telephony.deploys.settled()
  // A deploy may have put another node in this one's place; nobody hears what a closed node sends.
  const now = telephony.live.get(node.id)
  countWork(definition, now, -1, node.id)
  if (!now) return done()
  if (error) now.show(errorStatus(error))
  const same = now === node
  if (output) same ? send(toPort(output)) : now.node.send(toPort(output))
  if (same) done(error)
  else complete(now.node, message, error)
}

function countWork<Config extends Settings>(
  { working: key }: NodeDefinition<Config>,
  node: LiveNode | undefined,
  change: 1 | -1,
  id = node?.id ?? '',
): void {
  if (!key) return
  const count = (working.get(id) ?? 0) + change
  if (count > 0) working.set(id, count)
  else working.delete(id)
  node?.showCount(key, count)
}
