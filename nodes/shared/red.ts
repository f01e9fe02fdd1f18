/** Node-RED as the nodes see it: its types, narrowed to what is used and completed where they lag behind the runtime. */
import type { Node, NodeAPI, NodeMessage } from 'node-red'

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

/** Signals the end of a message at a node that is not the one that took it; Node-RED has no public way. */
export function complete(node: RedNode, message: Message, error?: Error): void {
  const internal = node as RedNode & { _complete?: (message: Message, error?: Error) => void }
  if (internal._complete) internal._complete(message, error)
  else if (error) node.error(error, message)
}
