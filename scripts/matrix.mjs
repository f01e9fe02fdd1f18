// The packed tarball as a user gets it, in each supported pair of Node-RED and Node: installed into a fresh userDir outside of this
// tree (so that no devDependency is found by accident), every node type loaded, the demo call placed and measured.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkNode, ensureBuilt, ensureInstalled, root, run, say } from './setup.mjs'

const NAME = '@ringflow/node-red-telephony'
const cache = join(root, '.cache', 'matrix')
const QUIET = ['--no-audit', '--no-fund', '--loglevel=error']

checkNode()
await ensureInstalled()
await ensureBuilt()
const { OWN_NODE_RED } = await import('./node-red.mjs')
const { placeDemoCall } = await import('./demo-call.mjs')

const tarball = await pack()
const node24 = await fetchNode(24)
const nodeRed5 = join(await fetchPackage('node-red', '5'), 'red.js')
const PAIRS = [
  { node: process.execPath, program: OWN_NODE_RED },
  { node: node24, program: OWN_NODE_RED },
  { node: node24, program: nodeRed5 },
]

const results = []
for (const pair of PAIRS) {
  const name = `Node-RED ${versionOf(pair.program)} on Node ${nodeVersionOf(pair.node)}`
  console.log(`\n${name}`)
  const result = await tryPair(pair).catch((error) => ({ ok: false, reason: error.message }))
  console.log(JSON.stringify(result))
  results.push({ name, ...result })
}
console.log('')
for (const { name, ok, reason, setupMs } of results) {
  console.log(ok ? `ok      ${name}: demo call answered after ${setupMs} ms` : `failed  ${name}: ${reason}`)
}
process.exitCode = results.every(({ ok }) => ok) ? 0 : 1

async function tryPair(pair) {
  const userDir = mkdtempSync(join(tmpdir(), 'ringflow-matrix-'))
  try {
    writeFileSync(join(userDir, 'package.json'), JSON.stringify({ name: 'user-dir', private: true }))
    await run('npm', ['install', ...QUIET, tarball], { cwd: userDir })
    const flowFile = join(userDir, 'node_modules', NAME, 'examples', 'Demo call.json')
    return await placeDemoCall({ ...pair, flowFile, userDir, print: (line) => console.log(`  ${line}`) })
  } finally {
    rmSync(userDir, { recursive: true, force: true })
  }
}

async function pack() {
  const folder = join(cache, 'tarball')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  await run('npm', ['pack', '--silent', '--pack-destination', folder])
  return join(folder, readdirSync(folder)[0])
}

/** The npm package `node` brings the program itself; its install script fetches the one for this machine. */
async function fetchNode(major) {
  const folder = await fetchPackage('node', String(major))
  const program = join(folder, 'bin', 'node')
  // Where npm does not run install scripts, the same script by hand.
  if (!existsSync(program)) await run(process.execPath, ['installArchSpecificPackage.js'], { cwd: folder })
  return program
}

/** Installs a package in a folder of its own below .cache, once; returns where it is. */
async function fetchPackage(name, major) {
  const home = join(cache, `${name}-${major}`)
  const folder = join(home, 'node_modules', name)
  if (existsSync(join(folder, 'package.json'))) return folder
  say(`Installing ${name}@${major} for the version matrix …`)
  mkdirSync(home, { recursive: true })
  writeFileSync(join(home, 'package.json'), JSON.stringify({ name: `matrix-${name}`, private: true }))
  await run('npm', ['install', ...QUIET, `${name}@${major}`], { cwd: home })
  return folder
}

function versionOf(program) {
  return JSON.parse(readFileSync(join(program, '..', 'package.json'), 'utf8')).version
}

function nodeVersionOf(program) {
  if (program === process.execPath) return process.versions.node
  return JSON.parse(readFileSync(join(program, '..', '..', 'package.json'), 'utf8')).version
}
