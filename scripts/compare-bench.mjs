// node scripts/compare-bench.mjs <checkout A> <checkout B> [--only inbound] [--rounds 3] [--quick]
// Measures two built checkouts in turns, with the bench of this one, and prints the medians and B / A. Both must have been built.
import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { parseArgs } from 'node:util'
import { ensurePeers } from './peers.mjs'
import { inPrivateNetwork } from './private-network.mjs'
import { checkNode, ensureBuilt, ensureInstalled, root, say } from './setup.mjs'

checkNode()
const { values: options, positionals: checkouts } = parseArgs({
  allowPositionals: true,
  options: { only: { type: 'string' }, rounds: { type: 'string', default: '3' }, quick: { type: 'boolean' } },
})
const rounds = Number(options.rounds)
if (checkouts.length !== 2 || !(rounds >= 1)) {
  say('Usage: node scripts/compare-bench.mjs <checkout A> <checkout B> [--only inbound] [--rounds 3] [--quick]')
  process.exit(1)
}
await ensureInstalled()
await ensurePeers(['sipp', 'baresip', 'kamailio', 'tls.so', 'tshark', 'ip'])
await ensureBuilt()

/** Of each checkout: name of a figure → its values, one a round. */
const figures = checkouts.map(() => new Map())
for (let round = 1; round <= rounds; round++) {
  // Turns change their order, because a machine's speed drifts.
  for (const index of round % 2 ? [0, 1] : [1, 0]) {
    say(`\nround ${round} of ${rounds}: ${checkouts[index]}`)
    for (const [name, value] of flat(await bench(checkouts[index]))) {
      const values = figures[index].get(name) ?? []
      figures[index].set(name, [...values, value])
    }
  }
}
const [a, b] = figures
const width = Math.max(...[...a.keys()].map((name) => name.length))
console.log(`\n${'medians'.padEnd(width)}${['A', 'B', 'B / A'].map((head) => head.padStart(12)).join('')}`)
for (const name of a.keys()) {
  const [ofA, ofB] = [median(a.get(name)), median(b.get(name) ?? [])]
  console.log(name.padEnd(width) + [ofA, ofB, ofB / ofA].map((value) => shown(value).padStart(12)).join(''))
}

/** The figures of one run: the last line of the bench is JSON. */
async function bench(checkout) {
  const only = options.only ? ['--only', options.only] : []
  const own = [...only, ...(options.quick ? ['--quick'] : []), '--checkout', checkout]
  const [command, ...args] = inPrivateNetwork([process.execPath, 'dist/bench/main.js', ...own])
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
  const output = (await text(child.stdout)).trim()
  say(output.slice(0, output.lastIndexOf('\n')))
  try {
    const { bench: _, quick, node, loadBefore, ...rest } = JSON.parse(output.split('\n').at(-1))
    return rest
  } catch {
    say(`The bench has not measured ${checkout}; see above.`)
    process.exit(1)
  }
}

/** Every number, with its path as its name. */
function flat(value, path = '') {
  if (typeof value === 'number') return [[path, value]]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => flat(inner, path ? `${path}.${key}` : key))
}

function median(values) {
  const sorted = [...values].sort((x, y) => x - y)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

function shown(value) {
  if (!Number.isFinite(value)) return '-'
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(2)
}
