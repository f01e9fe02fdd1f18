// `npm test`: does all its own set-up and runs everything, in this order. `npm test -- --only unit,interop` runs some.
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import util from 'node:util' // not { parseArgs }: an old Node shall live to be told that it is old
import { ensurePeers } from './peers.mjs'
import { inPrivateNetwork } from './private-network.mjs'
import { checkNode, ensureBuilt, ensureInstalled, filesBelow, root, run, say } from './setup.mjs'

/** Kind → the programs that it needs. `check` is not mocha's. */
const KINDS = {
  check: [],
  unit: [],
  fuzz: [],
  integration: [],
  'node-red': [],
  interop: ['sipp', 'baresip', 'kamailio', 'tshark', 'sox', 'ip', 'iptables'],
  browser: ['chromium'],
}

/** No kind may take longer: something hangs. */
const LIMIT_MS = 8 * 60_000

const { values: options } = util.parseArgs({ options: { only: { type: 'string' } } })
const kinds = options.only ? options.only.split(',') : Object.keys(KINDS)
for (const kind of kinds) {
  if (kind in KINDS) continue
  say(`There are no tests of kind "${kind}". Kinds: ${Object.keys(KINDS).join(', ')}`)
  process.exit(1)
}

checkNode()
await ensureInstalled()
await ensurePeers([...new Set(kinds.flatMap((kind) => KINDS[kind]))])
await ensureBuilt()

const scratch = mkdtempSync(join(tmpdir(), 'ringflow-test-'))
let passed = 0
let failed = 0
for (const kind of kinds) {
  const startedAt = Date.now()
  console.log(`\n== ${kind}`)
  const result = kind === 'check' ? await check() : await mocha(kind)
  passed += result.passed
  failed += result.failed
  console.log(
    `== ${kind}: ${result.passed} passed, ${result.failed} failed, ${((Date.now() - startedAt) / 1000).toFixed(0)} s`,
  )
}
rmSync(scratch, { recursive: true, force: true })
console.log(`\n${passed} passed, ${failed} failed`)
process.exit(failed === 0 && passed > 0 ? 0 : 1)

/** Linter, formatter and import rules; each counts as one. */
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

async function mocha(kind) {
  const folder = join(root, 'dist', 'test', kind)
  if (!filesBelow(folder).some((file) => file.endsWith('.test.js'))) {
    console.log(`no tests in test/${kind}`)
    return { passed: 0, failed: 1 }
  }
  const counts = join(scratch, `${kind}.json`)
  const command = [process.execPath, 'node_modules/mocha/bin/mocha.js', `dist/test/${kind}/**/*.test.js`]
  const code = await runTests(kind === 'interop' ? inPrivateNetwork(command) : command, counts)
  if (!existsSync(counts)) {
    console.log(`${kind} ended (${code}) before its last test`)
    return { passed: 0, failed: 1 }
  }
  const result = JSON.parse(readFileSync(counts, 'utf8'))
  if (code !== 0 && result.failed === 0) return { ...result, failed: 1 }
  return result
}

function runTests([command, ...args], counts) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      stdio: ['ignore', 1, 2],
      env: { ...process.env, ...(process.stdout.isTTY ? {} : { NO_COLOR: '1' }), RINGFLOW_TEST_COUNTS: counts },
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
