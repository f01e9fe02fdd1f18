// `npm test`: does all its own set-up and runs every kind of test. `npm test -- --only unit,interop` runs some.
// Tests that wait more than they compute run side by side; those that measure time run alone.
import { basename, join, relative, sep } from 'node:path'
import util from 'node:util' // not { parseArgs }: on an old Node that import would fail before the version check below
import { ensurePeers } from './peers.mjs'
import { checkNode, ensureBuilt, ensureInstalled, filesBelow, root, say } from './setup.mjs'
import { cleanUp, runAll } from './test-runs.mjs'

/** Kind → the programs that it needs. `check` does not run in mocha. */
const KINDS = {
  check: [],
  unit: [],
  contract: [],
  fuzz: [],
  interop: [
    ...['sipp', 'baresip', 'kamailio', 'tls.so', 'websocket.so', 'linphonec'],
    ...['chromium', 'tshark', 'sox', 'ip', 'iptables'],
  ],
  'node-red': [],
  integration: [],
  browser: ['chromium'],
  robustness: ['sipp', 'baresip', 'ip'],
}

/** One stage after the other. Within a stage the longest runs come first. */
const STAGES = [
  ['check', 'unit', 'contract', 'fuzz'],
  ['interop', 'node-red', 'integration'],
  ['browser'],
  ['robustness'],
]

/** Files of interop that place as many calls a second as a machine takes that has nothing else to do. */
const FULL_RATE = ['sipp-calls']

/** This folder of integration measures the sound of processes that have just started: on a busy machine it has gaps. */
const MEASURED_SOUND = 'cli'

/** Files of robustness that measure no milliseconds. A file that is not named here runs alone. */
const SOAK = ['soak']
const PATIENT = ['address-change', 'bad-network', 'cable-pulled', 'registrar-trouble', 'secrets', 'vanished-peer']

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

let passed = 0
let failed = 0
for (const stage of STAGES) {
  const runs = []
  for (const kind of stage) if (kinds.includes(kind)) runs.push(...(await runsOf(kind)))
  for (const result of await runAll(runs)) {
    passed += result.passed
    failed += result.failed
  }
}
cleanUp(failed > 0)
console.log(`\n${passed} passed, ${failed} failed`)
process.exit(failed === 0 && passed > 0 ? 0 : 1)

async function runsOf(kind) {
  const files = filesBelow(join(root, 'dist', 'test', kind))
    .filter((file) => file.endsWith('.test.js'))
    .map((file) => relative(root, file))
  if (kind === 'integration') return integrationRuns(files)
  if (kind === 'browser') return editorRuns(files)
  if (kind === 'robustness') return robustnessRuns(files)
  if (kind === 'interop') {
    const [heavy, others] = divided(files, FULL_RATE)
    return [
      { title: 'interop', files: others },
      { title: 'interop, full rate', files: heavy, alone: true },
    ]
  }
  return [{ title: kind, files, alone: kind !== 'node-red' }]
}

/** The files of these names, and the others. */
function divided(files, names) {
  const isNamed = (file) => names.includes(basename(file, '.test.js'))
  return [files.filter(isNamed), files.filter((file) => !isNamed(file))]
}

/** A run for each folder below test/integration. */
function integrationRuns(files) {
  const folderOf = (file) => file.split(sep)[3]
  return [...new Set(files.map(folderOf))].map((folder) => ({
    title: `integration, ${folder}`,
    files: files.filter((file) => folderOf(file) === folder),
    alone: folder === MEASURED_SOUND,
  }))
}

/** The editor in the oldest and in the newest Node-RED. */
async function editorRuns(files) {
  const { supportedVersions } = await import('./versions.mjs')
  const versions = await supportedVersions()
  return [versions.at(0), versions.at(-1)].map(({ name, node, program }) => ({
    title: `browser, ${name}`,
    files,
    alone: true, // two browsers and two editors slow each other down more than they save
    env: { RINGFLOW_TEST_NODE: node, RINGFLOW_TEST_NODE_RED: program, RINGFLOW_TEST_PICTURES: name },
  }))
}

function robustnessRuns(files) {
  const [soak, others] = divided(files, SOAK)
  const [patient, timed] = divided(others, PATIENT)
  return [
    { title: 'robustness, soak', files: soak },
    { title: 'robustness, patient', files: patient },
    { title: 'robustness, alone', files: timed, alone: true },
  ]
}
