// `npm test`: does all its own set-up and runs every kind of test, in this order. `npm test -- --only unit,interop` runs some.
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import util from 'node:util' // not { parseArgs }: on an old Node that import would fail before the version check below
import { ensurePeers } from './peers.mjs'
import { inPrivateNetwork } from './private-network.mjs'
import { checkNode, ensureBuilt, ensureInstalled, filesBelow, root, run, say } from './setup.mjs'

/** Kind → the programs that it needs. `check` does not run in mocha. */
const KINDS = {
  check: [],
  unit: [],
  contract: [],
  fuzz: [],
  integration: [],
  'node-red': [],
  interop: ['sipp', 'baresip', 'kamailio', 'linphonec', 'tshark', 'sox', 'ip', 'iptables'],
  robustness: ['sipp', 'baresip', 'ip'],
  browser: ['chromium'],
}

/** These kinds run in a private network: some ports are fixed, and no packet can leave. */
const PRIVATE = ['contract', 'integration', 'interop', 'robustness']

/** A run that takes longer hangs. */
const LIMIT_MS = 15 * 60_000

checkNode()
const { values: options } = util.parseArgs({ options: { only: { type: 'string' } } })
const kinds = options.only ? options.only.split(',') : Object.keys(KINDS)
for (const kind of kinds) {
  if (kind in KINDS) continue
  say(`There are no tests of kind "${kind}". Kinds: ${Object.keys(KINDS).join(', ')}`)
  process.exit(1)
}

await ensureInstalled()
await ensurePeers([...new Set(kinds.flatMap((kind) => KINDS[kind]))])
await ensureBuilt()

const scratch = mkdtempSync(join(tmpdir(), 'ringflow-test-'))
let passed = 0
let failed = 0
for (const { title, work } of await plan()) {
  const startedAt = Date.now()
  console.log(`\n== ${title}`)
  const result = await work()
  passed += result.passed
  failed += result.failed
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(0)
  console.log(`== ${title}: ${result.passed} passed, ${result.failed} failed, ${seconds} s`)
}
// The files of the tests (logs and recordings of peers) are useful only if a test failed.
if (failed === 0) rmSync(scratch, { recursive: true, force: true })
else console.log(`\nfiles of the tests: ${scratch}`)
console.log(`\n${passed} passed, ${failed} failed`)
process.exit(failed === 0 && passed > 0 ? 0 : 1)

/** The runs, in order: each kind once, but the editor in the oldest and in the newest Node-RED. */
async function plan() {
  const runs = []
  for (const kind of kinds) {
    if (kind === 'check') runs.push({ title: kind, work: check })
    else if (kind === 'browser') runs.push(...(await editorRuns()))
    else runs.push({ title: kind, work: () => mocha(kind) })
  }
  return runs
}

async function editorRuns() {
  const { supportedVersions } = await import('./versions.mjs')
  const versions = await supportedVersions()
  return [versions.at(0), versions.at(-1)].map(({ name, node, program }) => ({
    title: `browser, ${name}`,
    work: () => mocha('browser', { RINGFLOW_TEST_NODE: node, RINGFLOW_TEST_NODE_RED: program }),
  }))
}

/** Linter with formatter, and import rules; each counts as one test. */
async function check() {
  const result = { passed: 0, failed: 0 }
  for (const script of ['check:style', 'check:imports']) {
    await run('npm', ['run', '--silent', script], { stdio: ['ignore', 1, 2] }).then(
      () => result.passed++,
      () => result.failed++,
    )
  }
  return result
}

async function mocha(kind, env = {}) {
  const folder = join(root, 'dist', 'test', kind)
  if (!filesBelow(folder).some((file) => file.endsWith('.test.js'))) {
    console.log(`no tests in test/${kind}`)
    return { passed: 0, failed: 1 }
  }
  const counts = join(mkdtempSync(join(scratch, kind)), 'counts.json')
  const command = [process.execPath, 'node_modules/mocha/bin/mocha.js', `dist/test/${kind}/**/*.test.js`]
  const code = await runTests(PRIVATE.includes(kind) ? inPrivateNetwork(command) : command, {
    ...env,
    RINGFLOW_TEST_COUNTS: counts,
  })
  if (!existsSync(counts)) {
    console.log(`${kind} ended (${code}) before its last test`)
    return { passed: 0, failed: 1 }
  }
  const result = JSON.parse(readFileSync(counts, 'utf8'))
  if (code !== 0 && result.failed === 0) return { ...result, failed: 1 }
  return result
}

function runTests([command, ...args], env) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      stdio: ['ignore', 1, 2],
      env: { ...process.env, TMPDIR: scratch, ...(process.stdout.isTTY ? {} : { NO_COLOR: '1' }), ...env },
    })
    const limit = setTimeout(() => {
      console.log(`still running after ${LIMIT_MS / 60_000} minutes: ended by force`)
      child.kill('SIGKILL')
    }, LIMIT_MS)
    child.once('exit', (code, signal) => {
      clearTimeout(limit)
      resolve(signal ?? code)
    })
  })
}
