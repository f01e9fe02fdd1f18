/**
 * `npm run bench [-- --quick] [--only inbound,memory]`: what a call costs, as ratios to peers measured in the same run. Figures of
 * one machine mean little; the ratios travel. Nothing is asserted: the figures are printed, and once more as one JSON line.
 * `--checkout <folder>` measures the build of another checkout, see `scripts/compare-bench.mjs`.
 */
import { cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { peerFolder } from '../test/support/peers/peer-folder.js'
import { stopAllPeers } from '../test/support/peers/peer-process.js'
import { setMeasuredCheckout } from './measured-checkout.js'
import { measure, PARTS, type Part } from './parts.js'
import { report } from './report.js'

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { quick: { type: 'boolean', default: false }, only: { type: 'string' }, checkout: { type: 'string' } },
  })
  const parts = partsOf(values.only)
  if (values.checkout) setMeasuredCheckout(values.checkout)
  const loadBefore = loadavg()[0] ?? 0
  const figures = await measure(parts, values.quick)
  const machine = `${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), load ${loadBefore.toFixed(1)} when begun`
  console.log(`\nNode ${process.version}, ${machine}\n\n${report(figures)}\n`)
  console.log(JSON.stringify({ bench: 'ringflow', quick: values.quick, node: process.version, loadBefore, ...figures }))
}

function partsOf(only: string | undefined): readonly Part[] {
  const wanted = only?.split(',') ?? PARTS
  const unknown = wanted.find((name) => !PARTS.some((part) => part === name))
  if (unknown !== undefined) throw new Error(`There is no part "${unknown}". Parts: ${PARTS.join(', ')}`)
  return PARTS.filter((part) => wanted.includes(part))
}

main()
  .catch((error: unknown) => {
    console.error(error)
    process.exitCode = 1
  })
  .finally(async () => {
    await stopAllPeers()
    if (process.exitCode) console.error(`logs of the peers: ${peerFolder.path}`)
    else peerFolder.remove()
    // An aborted measurement leaves its engine process running; it ends with this process.
    process.exit()
  })
