/** The part of Node-RED's types that the nodes use, with additions where the types are older than the runtime. */
import type { Node, NodeAPI, NodeMessage } from 'node-red'
import { TelephonyError } from './errors.js'

export type RED = NodeAPI
export type RedNode = Node

/** A message of a flow. Its index signature is Node-RED's. */
export type Message = NodeMessage

export type Send = (messages: (Message | null)[]) => void
export type Done = (error?: Error) => void

/** Shapes and colours of Node-RED's editor; `{}` shows no status. */
export interface StatusDot {
  fill?: 'red' | 'green' | 'yellow' | 'blue' | 'grey'
  shape?: 'ring' | 'dot'
  text?: string
}

/** The settings under `ringflow` in `settings.js`. */
export interface RingflowSettings {
  /** Folders of files to play. They are searched before the pack's own folder. */
  mediaFolders?: string | string[]
  recordingFolder?: string
  /** DNS servers in the order of the tries, in place of those of the system: `192.0.2.53`, `192.0.2.53:5353`. */
  dnsServers?: string | string[]
  logLevel?: 'silent' | 'error' | 'warn' | 'info' | 'debug' | 'trace'
}

/** A configuration node. Through `users` the runtime finds the tabs whose Status and Catch nodes get its statuses and errors. */
export interface ConfigNode<Value, Secrets extends object = object> extends Node<Secrets> {
  users: Record<string, RedNode>
  /** The value of the settings; absent while they are wrong. */
  value?: Value
  problem?: Error
}

interface NodeInside {
  wires?: string[][]
  _complete?(message: Message, error?: Error): void
  _flow?: { handleError?(node: RedNode, error: Error, message: Message): boolean }
}

/**
 * The debug sidebar hides the text of an Error object. Therefore an error without a Catch node is logged as text,
 * while Catch nodes get the error with its code.
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

/** Whether anything is wired to an output, counted from 1. A runtime that does not tell: yes. */
export function isWired(node: RedNode, port: number): boolean {
  const { wires } = node as NodeInside
  return !wires || (wires[port - 1] ?? []).length > 0
}

/** Completes a message at another node than the one that received it. Node-RED has no public function for that. */
export function complete(node: RedNode, message: Message, error?: Error): void {
  const inside = node as NodeInside
  if (inside._complete) inside._complete(message, error)
  else if (error) node.error(error, message)
}
