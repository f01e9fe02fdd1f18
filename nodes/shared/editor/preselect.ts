/** Which account or transport a new node most likely means, so that a newcomer need not choose among one. */
import { type ConfigNode, type EditorNode, editor } from './node-red.js'

interface Options {
  /** Each configuration node serves only one node of this type: those that serve one already are left out. */
  alone?: boolean
}

/** For `onadd`: sets the property of a node that was just dropped, unless it has a value or there is nothing to choose. */
export function preselect(node: EditorNode, property: string, options: Options = {}): void {
  if (node[property]) return
  const found = likely(node, typeOf(node, property), options)
  if (found) Object.assign(node, { [property]: found.id })
}

/** The configuration node of the type that most nodes on the same tab use; without any, the first one. */
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
