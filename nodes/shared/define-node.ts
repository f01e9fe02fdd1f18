/**
 * What all nodes have in common: they upgrade old settings, call `done` once per message, show a status, close, and report errors
 * with a code. Events reach the node that has the id now.
 */

import type { NodeDef } from 'node-red'
import type { CallEvent } from '../../src/call/call-event.js'
import type { EngineEvents, RegistrationState } from '../../src/engine/protocol.js'
import { type Labels, reported, type TelephonyError } from './errors.js'
import { FlowNode, type Output, toPort } from './flow-node.js'
import { labelsOf } from './labels.js'
import type { Ended, LiveNode } from './live-nodes.js'
import type { MediaNote } from './message.js'
import { type Migrations, migrate } from './migrate.js'
import type { OutsideEvent } from './outside-event.js'
import {
  type ConfigNode,
  complete,
  type Done,
  type Message,
  type RED,
  type RedNode,
  type Send,
  showErrorText,
} from './red.js'
import { assertEnvironment } from './settings.js'
import type { StatusKey } from './status.js'
import { connect, nodeClosed, telephony } from './telephony.js'

interface Settings {
  version: number
  account?: string
}

export interface NodeDefinition<Config extends Settings> {
  type: string
  defaults: Config
  migrations: Migrations
  /** Status while the node processes messages, with their number. */
  working?: StatusKey
  /** Status for an account that does not register; `ready` by default. */
  idle?: StatusKey
  /** Runs in the constructor. An error is shown, logged, and answers every input. */
  open?(node: FlowNode<Config>): void
  /** Processes one message. `done` is called when it resolves, `done(error)` when it rejects. */
  input?(node: FlowNode<Config>, message: Message): Promise<Output | undefined>
  /** A message whose action fails in a call leaves by this output as well, so that the flow can end the call. */
  failed?: { port: number; event: string; result(config: Config): { payload?: unknown; media?: MediaNote } }
  onCall?(node: FlowNode<Config>, event: CallEvent): void
  onMedia?(node: FlowNode<Config>, event: CallEvent): void
  onAnyCall?(node: FlowNode<Config>, event: CallEvent): void
  onRecord?(node: FlowNode<Config>, event: Ended): void
  onRegistration?(node: FlowNode<Config>, accountId: string, registration: RegistrationState): void
  onOutside?(node: FlowNode<Config>, event: OutsideEvent): void
  /** The node is closed, and no other has its id. */
  close?(node: FlowNode<Config>): void
  onEngine?(node: FlowNode<Config>, engine: EngineEvents['engine']): void
}

/** Number of messages in progress, by node id: the count outlives the node object that started it. */
const working = new Map<string, number>()
telephony.deploys.on('stop', () => working.clear())

/** Deleted accounts that a node of this deploy has reported: one error for all nodes of the account. */
const reportedAccounts = new Set<string>()
telephony.deploys.on('started', () => reportedAccounts.clear())

export function defineNode<Config extends Settings>(RED: RED, definition: NodeDefinition<Config>): void {
  connect(RED)
  const { type, defaults, migrations } = definition
  const labels = labelsOf(type)
  RED.nodes.registerType(type, function (this: RedNode, stored: NodeDef) {
    RED.nodes.createNode(this, stored)
    showErrorText(this)
    const config = migrate({ ...stored }, defaults, migrations)
    const node = new LiveFlowNode({ RED, node: this, config, accountId: config.account ?? '' }, definition, labels)
    telephony.live.add(node)
    const leaveAccount = joinAccount(RED, node)
    open(definition, node)
    if (definition.input) {
      this.on('input', (message, send, done) => void takeInput(definition, node, message, send, done))
    }
    // Node-RED counts the parameters: with two, the first one says whether the node was deleted.
    this.on('close', (_removed: boolean, done: () => void) => {
      telephony.live.remove(node)
      node.close()
      if (!telephony.live.get(node.id)) definition.close?.(node)
      leaveAccount()
      void nodeClosed().then(done)
    })
  })
}

/** Events find this node by its id in the list of live nodes; nothing else refers to it. */
class LiveFlowNode<Config extends Settings> extends FlowNode<Config> implements LiveNode {
  readonly #on: NodeDefinition<Config>

  readonly labels: Labels

  // Present only if the node type handles them: these events go to all nodes that do.
  readonly onAnyCall?: (event: CallEvent) => void
  readonly onOutside?: (event: OutsideEvent) => void
  readonly onRecord?: (event: Ended) => void
  readonly onRegistration?: (accountId: string, registration: RegistrationState) => void

  constructor(
    deps: ConstructorParameters<typeof FlowNode<Config>>[0],
    definition: NodeDefinition<Config>,
    labels: Labels,
  ) {
    super({ ...deps, ...(definition.idle && { idle: definition.idle }) })
    this.#on = definition
    this.labels = labels
    const { onAnyCall, onOutside, onRecord, onRegistration } = definition
    if (onAnyCall) this.onAnyCall = (event) => onAnyCall(this, event)
    if (onOutside) this.onOutside = (event) => onOutside(this, event)
    if (onRecord) this.onRecord = (event) => onRecord(this, event)
    if (onRegistration) this.onRegistration = (accountId, registration) => onRegistration(this, accountId, registration)
  }

  onCall(event: CallEvent): void {
    this.#on.onCall?.(this, event)
  }

  onMedia(event: CallEvent): void {
    this.#on.onMedia?.(this, event)
  }

  onEngine(engine: EngineEvents['engine']): void {
    this.#on.onEngine?.(this, engine)
  }
}

function open<Config extends Settings>(definition: NodeDefinition<Config>, node: LiveFlowNode<Config>): void {
  try {
    assertEnvironment(node.config)
    definition.open?.(node)
  } catch (thrown) {
    node.problem = reported(thrown, node.labels)
    if (!node.isAccountDeleted || !reportedAccounts.has(node.accountId)) node.node.error(node.problem)
    if (node.isAccountDeleted) reportedAccounts.add(node.accountId)
  }
  const count = working.get(node.id)
  // Replaces the status from before the deploy in any case.
  if (definition.working && count) node.showCount(definition.working, count)
  else node.refresh()
}

/** Through `users` the runtime finds the Status and Catch nodes that get the account's statuses and errors. */
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
  node: LiveFlowNode<Config>,
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
    error = reported(thrown, node.labels)
    output = await failedOutput(definition, node, message, error)
  }
  await telephony.deploys.settled()
  // A deploy may have replaced this node, and messages that a closed node sends are lost.
  const now = telephony.live.get(node.id)
  countWork(definition, now, -1, node.id)
  if (!now) return done()
  if (error) now.showError(error)
  const same = now === node
  if (output) same ? send(toPort(output)) : now.node.send(toPort(output))
  if (same) done(error)
  else complete(now.node, message, error)
}

/** The message is copied because Catch nodes get the original. Without a call there is nothing to end. */
async function failedOutput<Config extends Settings>(
  { failed }: NodeDefinition<Config>,
  node: LiveFlowNode<Config>,
  message: Message,
  error: TelephonyError,
): Promise<Output | undefined> {
  if (!failed || error.code === 'NO_CALL') return undefined
  const callId = await node.callIdIn(message)
  if (callId === undefined) return undefined
  const copy = node.continue(node.copy(message), callId, failed.event, failed.result(node.config))
  return { port: failed.port, message: Object.assign(copy, { error: error.toPlain() }) }
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
