// Runs of tests: one after the other, or side by side, each in a private network of its own.
import { spawn } from 'node:child_process'
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inPrivateNetwork } from './private-network.mjs'
import { root, run } from './setup.mjs'

/** A small machine has two cores, and these runs wait more than they compute. */
const SIDE_BY_SIDE = 3
/** A run that takes longer hangs. */
const LIMIT_MS = 15 * 60_000

const STDOUT = 1
const scratch = mkdtempSync(join(tmpdir(), 'ringflow-test-'))

/** The files of the tests (logs and recordings of peers) are useful only if a test failed. */
export function cleanUp(failed) {
  if (failed) console.log(`\nfiles of the tests: ${scratch}`)
  else rmSync(scratch, { recursive: true, force: true })
}

/** `title`, `files`, `env`, and `alone`: not beside others. Those that need not be alone go first. Gives the counts of each run, in no order. */
export async function runAll(runs) {
  const queue = runs.filter(({ alone }) => !alone)
  // Without private networks the runs would meet at their fixed ports.
  const lanes = hasPrivateNetworks() ? Math.min(SIDE_BY_SIDE, queue.length) : Math.min(1, queue.length)
  const results = []
  const lane = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) results.push(await report(next, lanes > 1))
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  for (const next of runs.filter(({ alone }) => alone)) results.push(await report(next, false))
  return results
}

const hasPrivateNetworks = () => inPrivateNetwork(['true']).length > 1

/** The output of a run that goes on beside others is printed when it has ended. */
async function report({ title, files, env }, beside) {
  const startedAt = Date.now()
  // A short name: the browser puts a socket below it, whose path may have 107 octets.
  const folder = mkdtempSync(join(scratch, `${title.replace(/\W+/g, '-').slice(0, 8)}-`))
  const logFile = join(folder, 'output.log')
  console.log(beside ? `\n== ${title}: begun, its output follows at its end` : `\n== ${title}`)
  const output = beside ? openSync(logFile, 'w') : STDOUT
  const counts = title === 'check' ? await check(output) : await mocha({ title, files, env, folder, output })
  if (beside) {
    closeSync(output)
    console.log(`\n== ${title}\n${readFileSync(logFile, 'utf8')}`)
  }
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(0)
  console.log(`== ${title}: ${counts.passed} passed, ${counts.failed} failed, ${seconds} s`)
  return counts
}

/** Linter with formatter, and import rules; each counts as one test. */
async function check(output) {
  const result = { passed: 0, failed: 0 }
  for (const script of ['check:style', 'check:imports']) {
    await run('npm', ['run', '--silent', script], { stdio: ['ignore', output, output === STDOUT ? 2 : output] }).then(
      () => result.passed++,
      () => result.failed++,
    )
  }
  return result
}

async function mocha({ title, files, env, folder, output }) {
  if (files.length === 0) {
    console.log(`no tests in ${title}`)
    return { passed: 0, failed: 1 }
  }
  const counts = join(folder, 'counts.json')
  const command = inPrivateNetwork([process.execPath, 'node_modules/mocha/bin/mocha.js', ...files])
  const code = await runTests(command, output, { ...env, TMPDIR: folder, RINGFLOW_TEST_COUNTS: counts })
  if (!existsSync(counts)) {
    console.log(`${title} ended (${code}) before its last test`)
    return { passed: 0, failed: 1 }
  }
  const result = JSON.parse(readFileSync(counts, 'utf8'))
  if (code !== 0 && result.failed === 0) return { ...result, failed: 1 }
  return result
}

function runTests([command, ...args], output, env) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      stdio: ['ignore', output, output === STDOUT ? 2 : output],
      env: { ...process.env, ...(process.stdout.isTTY ? {} : { NO_COLOR: '1' }), ...env },
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
