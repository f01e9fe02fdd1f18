// Prepares what every script needs: the right version of Node, node_modules, dist.
// This file must not import a dependency: it runs on a fresh clone, before `npm ci`.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))

const FLOOR = [20, 19]
const BUILD_STAMP = join(root, 'dist', '.built')
const SOURCES = ['src', 'nodes', 'test', 'bench', 'icons', 'scripts/build.mjs', 'package.json', 'tsconfig.json']

/** Prints one line of progress on stderr; stdout is for results. */
export function say(text) {
  process.stderr.write(`${text}\n`)
}

export function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > FLOOR[0] || (major === FLOOR[0] && minor >= FLOOR[1])) return
  say(`Ringflow needs Node ${FLOOR.join('.')} or newer; this is ${process.versions.node}. See https://nodejs.org`)
  process.exit(1)
}

/** Runs a command to its end; rejects with its name and exit code. Its output goes to stderr. */
export function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const shell = process.platform === 'win32' && command === 'npm' // npm is a script on Windows
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 2, 2], shell, ...options })
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      if (code === 0) resolve()
      else reject(new Error(`${command} ${args.join(' ')} ended with ${signal ?? `code ${code}`}`))
    })
  })
}

export async function ensureInstalled() {
  const why = whatIsNotInstalled()
  if (!why) return
  say(`Installing dependencies (npm ci: ${why}). This takes a minute or two, once.`)
  await run('npm', ['ci', '--no-audit', '--no-fund'])
}

/** npm writes what it installed to node_modules/.package-lock.json: this compares it with the lock file. */
function whatIsNotInstalled() {
  const installedFile = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(installedFile)) return 'node_modules is missing'
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages
  const installed = JSON.parse(readFileSync(installedFile, 'utf8')).packages
  for (const [path, { version, optional, link }] of Object.entries(wanted)) {
    if (path === '' || optional || link) continue
    if (installed[path]?.version !== version) return `${path.replace(/^.*node_modules\//, '')} ${version} is missing`
  }
  return null
}

export async function ensureBuilt() {
  const fingerprint = sourceFingerprint()
  if (existsSync(BUILD_STAMP) && readFileSync(BUILD_STAMP, 'utf8') === fingerprint) return
  say('Building …')
  await run(process.execPath, [join('node_modules', 'typescript', 'bin', 'tsc'), '-p', '.'])
  await run(process.execPath, [join('scripts', 'build.mjs')])
  writeFileSync(BUILD_STAMP, fingerprint)
}

/** A hash of path, size and time of every source: it changes if a source is edited, added or removed. */
function sourceFingerprint() {
  const hash = createHash('sha256')
  for (const file of SOURCES.flatMap((name) => filesBelow(join(root, name)))) {
    const { mtimeMs, size } = statSync(file)
    hash.update(`${relative(root, file)} ${size} ${mtimeMs}\n`)
  }
  return hash.digest('hex')
}

/** Every file below a folder (or the file itself), sorted; empty if it does not exist. */
export function filesBelow(path) {
  if (!existsSync(path)) return []
  if (statSync(path).isFile()) return [path]
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}
