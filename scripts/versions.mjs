// The programs of each supported pair of Node-RED and Node: installed ones, and others that npm installs into .cache/matrix once.
// `node scripts/versions.mjs` prints them as JSON.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { OWN_NODE_RED } from './node-red.mjs'
import { root, run, say } from './setup.mjs'

const cache = join(root, '.cache', 'matrix')
const QUIET = ['--no-audit', '--no-fund', '--loglevel=error']

if (process.argv[1] === import.meta.filename) console.log(JSON.stringify(await supportedVersions()))

/** `name`, and the paths `node` (the program) and `program` (Node-RED's red.js). */
export async function supportedVersions() {
  const node24 = await fetchNode(24)
  const nodeRed5 = join(await fetchPackage('node-red', '5'), 'red.js')
  const pairs = [
    { node: process.execPath, program: OWN_NODE_RED },
    { node: node24, program: OWN_NODE_RED },
    { node: node24, program: nodeRed5 },
  ]
  return pairs.map((pair) => ({ name: nameOf(pair), ...pair }))
}

function nameOf({ node, program }) {
  const nodeVersion = node === process.execPath ? process.versions.node : packageVersion(join(dirname(node), '..'))
  return `Node-RED ${packageVersion(dirname(program))} on Node ${nodeVersion}`
}

function packageVersion(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).version
}

/** The npm package `node` contains the program; its install script installs the one for this machine. */
async function fetchNode(major) {
  const folder = await fetchPackage('node', String(major))
  const program = join(folder, 'bin', 'node')
  // If npm does not run install scripts, run the same script here.
  if (!existsSync(program)) await run(process.execPath, ['installArchSpecificPackage.js'], { cwd: folder })
  return program
}

/** Installs a package once, in its own folder below .cache; returns that folder. */
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
