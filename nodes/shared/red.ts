/** Node-RED as the nodes see it: its types, narrowed to what is used and completed where they lag behind the runtime. */
import type { Node, NodeAPI, NodeMessage } from 'node-red'
import { TelephonyError } from './errors.js'

export type RED = NodeAPI
export type RedNode = Node

/** A message of a flow. Its index signature is Node-RED's. */
export type Message = NodeMessage

export type Send = (messages: (Message | null)[]) => void
export type Done = (error?: Error) => void

/** Shapes and colours as Node-RED's editor knows them; `{}` shows nothing. */
export interface StatusDot {
  fill?: 'red' | 'green' | 'yellow' | 'blue' | 'grey'
  shape?: 'ring' | 'dot'
  text?: string
}

/** What `settings.js` may hold under `ringflow`. */
export interface RingflowSettings {
  /** Folders where files to play are looked for, before the pack's own. */
  mediaFolders?: string | string[]
  recordingFolder?: string
  logLevel?: 'silent' | 'error' | 'warn' | 'info' | 'debug' | 'trace'
}

/** A configuration node: through `users` the runtime finds the tabs whose Status and Catch nodes hear of it. */
export interface ConfigNode<Value, Secrets extends object = object> extends Node<Secrets> {
  users: Record<string, RedNode>
  /** What the settings mean; absent while they are wrong. */
  value?: Value
  problem?: Error
}

interface NodeInside {
  _complete?(message: Message, error?: Error): void
  _flow?: { handleError?(node: RedNode, error: Error, message: Message): boolean }
}

/**
 * The debug sidebar folds an Error away, its text with it. So Catch nodes get the error with its code, as Node-RED hands it on, and
 * an error without a Catch node is logged as text.
 */
export function showErrorText(node: RedNode): void {
  const log = node.error.bind(node)
  node.error = (thrown: unknown, message?: Message) => {
    const { _flow: flow } = node as NodeInside
    // Node-RED has no public way to learn whether a Catch node took an error. Without its own function the error goes out as it is.
    if (!(thrown instanceof TelephonyError) || (message && !flow?.handleError)) log(thrown, message)
    else if (!message || !flow?.handleError?.(node, thrown, message)) log(`${thrown.message} [${thrown.code}]`)
  }
}

/** Signals the end of a message at a node that is not the one that took it; Node-RED has no public way. */
export function complete(node: RedNode, message: Message, error?: Error): void {
  const inside = node as NodeInside
  if (inside._complete) inside._complete(message, error)
  else if (error) node.error(error, message)
}
