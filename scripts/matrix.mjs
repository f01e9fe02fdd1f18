// Tries the packed tarball as a user gets it, in each supported pair of Node-RED and Node: installs it into a fresh userDir outside this
// tree (so that no devDependency is found by accident), loads every node type, places the demo call and measures it.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkNode, ensureBuilt, ensureInstalled, root, run } from './setup.mjs'

const NAME = '@ringflow/node-red-telephony'
const cache = join(root, '.cache', 'matrix')
const QUIET = ['--no-audit', '--no-fund', '--loglevel=error']

checkNode()
await ensureInstalled()
await ensureBuilt()
const { supportedVersions } = await import('./versions.mjs')
const { placeDemoCall } = await import('./demo-call.mjs')

const tarball = await pack()
const results = []
for (const { name, node, program } of await supportedVersions()) {
  console.log(`\n${name}`)
  const result = await tryOut({ node, program }).catch((error) => ({ ok: false, reason: error.message }))
  console.log(JSON.stringify(result))
  results.push({ name, ...result })
}
console.log('')
for (const { name, ok, reason, setupMs } of results) {
  console.log(ok ? `ok      ${name}: demo call answered after ${setupMs} ms` : `failed  ${name}: ${reason}`)
}
process.exitCode = results.every(({ ok }) => ok) ? 0 : 1

async function tryOut(version) {
  const userDir = mkdtempSync(join(tmpdir(), 'ringflow-matrix-'))
  try {
    writeFileSync(join(userDir, 'package.json'), JSON.stringify({ name: 'user-dir', private: true }))
    // As in Node-RED's palette: a dependency that needs another version of Node is an error.
    await run('npm', ['install', '--engine-strict', ...QUIET, tarball], { cwd: userDir })
    await tryBesides(version.node, userDir)
    const flowFile = join(userDir, 'node_modules', NAME, 'examples', 'Demo call.json')
    return await placeDemoCall({ ...version, flowFile, userDir, print: (line) => console.log(`  ${line}`) })
  } finally {
    rmSync(userDir, { recursive: true, force: true })
  }
}

/** The command line, and the engine as a library. */
async function tryBesides(node, userDir) {
  await run(join(userDir, 'node_modules', '.bin', 'ringflow'), ['--version'])
  const library = `import { startLocalEngine } from '${NAME}/engine'; if (!startLocalEngine) process.exit(1)`
  await run(node, ['--input-type=module', '--eval', library], { cwd: userDir })
}

async function pack() {
  const folder = join(cache, 'tarball')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  await run('npm', ['pack', '--silent', '--pack-destination', folder])
  return join(folder, readdirSync(folder)[0])
}
