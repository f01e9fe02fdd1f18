/**
 * Upgrades nodes that an older version of this pack stored. This happens when the editor loads them, before it checks or
 * draws them, and uses the same steps as the node's constructor.
 */
import { type Migrations, migrate } from '../migrate.js'
import { migrations } from './migrations.js'
import type { AddedNode } from './node-red.js'

export function upgrade(added: AddedNode, steps: Migrations | undefined = migrations[added.type]): void {
  if (!steps) return
  const node = added.__node__ ?? added
  const defaults = Object.entries(node._def.defaults ?? {}).map(([name, { value }]) => [name, structuredClone(value)])
  Object.assign(node, migrate({ ...node }, Object.fromEntries(defaults) as { version: number }, steps))
}
