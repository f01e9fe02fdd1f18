// Brings every example up to date after a node has got a new setting or version, as the editor would.
// Run `npm run build` first.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from './setup.mjs'

const folder = join(root, 'examples')

for (const name of readdirSync(folder).filter((file) => file.endsWith('.json'))) {
  const file = join(folder, name)
  const before = readFileSync(file, 'utf8')
  const flow = await Promise.all(JSON.parse(before).map(complete))
  const after = `${JSON.stringify(flow, null, 2)}\n`
  if (after === before) continue
  writeFileSync(file, after)
  console.log(name)
}

async function complete(node) {
  if (!node.type.startsWith('sip-')) return node
  const { defaults } = await built(node.type, 'config.js')
  const { migrations } = await built(node.type, 'migrations.js')
  const { migrate } = await built('shared', 'migrate.js')
  const { id, type, z, g, x, y, wires } = node
  const before = { id, type, ...(z && { z }), ...(g && { g }) }
  return { ...before, ...migrate(node, defaults, migrations), ...(x !== undefined && { x, y, wires }) }
}

function built(...path) {
  return import(pathToFileURL(join(root, 'dist', 'nodes', ...path)).href)
}
