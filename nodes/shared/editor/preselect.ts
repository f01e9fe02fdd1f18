/** Finds the account or transport that a new node most likely uses, so that a new user need not choose it. */
import { type ConfigNode, type EditorNode, editor } from './node-red.js'

interface Options {
  /** Leaves out configuration nodes that a node of this type uses already, because each may serve only one. */
  alone?: boolean
}

/** For `onadd`: sets the property of a new node, unless it has a value or there is nothing to choose from. */
export function preselect(node: EditorNode, property: string, options: Options = {}): void {
  if (node[property]) return
  const found = likely(node, typeOf(node, property), options)
  if (found) Object.assign(node, { [property]: found.id })
}

/** The configuration node of this type with the most users on the same tab; the first one if none has users there. */
export function likely(node: EditorNode, type: string, { alone = false }: Options = {}): ConfigNode | undefined {
  const candidates: ConfigNode[] = []
  editor().RED.nodes.eachConfig((config) => {
    const isInReach = !config.z || config.z === node.z
    const isTaken = alone && config.users.some((user) => user.type === node.type)
    if (config.type === type && !config.d && isInReach && !isTaken) candidates.push(config)
  })
  const uses = (config: ConfigNode) => config.users.filter(({ z }) => z !== undefined && z === node.z).length
  return candidates.toSorted((a, b) => uses(b) - uses(a))[0]
}

const typeOf = (node: EditorNode, property: string): string => node._def.defaults?.[property]?.type ?? ''
