// `npm start`: Node-RED on loopback with this tree's nodes and the demo flow. `npm start -- --once`: makes the demo call without a
// browser and measures it. Runs on a fresh clone: dependencies are imported only after they have been installed.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import util from 'node:util' // not { parseArgs }: on an old Node that import would fail before the version check below
import { checkNode, ensureBuilt, ensureInstalled, root, say } from './setup.mjs'

const USAGE = `npm start                   Node-RED with the demo call, on http://127.0.0.1:1880
npm start -- --port 1881    the same on another port (or PORT=1881 npm start)
npm start -- --user-dir x   keeps flows in another folder than .cache/node-red
npm start -- --once         places the demo call without a browser, prints what happened and what was measured`

const DEFAULT_PORT = 1880
const DEMO_FLOW = join(root, 'examples', 'Demo call.json')

checkNode()
const options = readOptions()
try {
  await ensureInstalled()
  await ensureBuilt()
  process.exitCode = options.once ? await placeOneCall() : await serve(options)
} catch (error) {
  say(`${error.message}`)
  process.exitCode = 1
}

async function placeOneCall() {
  const { placeDemoCall } = await import('./demo-call.mjs')
  const report = await placeDemoCall({
    flowFile: DEMO_FLOW,
    nodesDir: root,
    keep: join(root, '.cache', 'demo-call'),
    print: (line) => console.log(line),
  })
  console.log(JSON.stringify(report))
  return report.ok ? 0 : 1
}

function readOptions() {
  try {
    const { values } = util.parseArgs({
      options: {
        once: { type: 'boolean' },
        port: { type: 'string' },
        'user-dir': { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    })
    if (values.help) throw new Error('Usage:')
    const port = Number(values.port ?? process.env.PORT ?? DEFAULT_PORT)
    if (!Number.isInteger(port) || port < 1 || port > 65_535)
      throw new Error(`"${values.port ?? process.env.PORT}" is not a port number: use 1 to 65535`)
    return {
      once: values.once ?? false,
      port,
      userDir: resolve(values['user-dir'] ?? join(root, '.cache', 'node-red')),
    }
  } catch (error) {
    say(`${error.message}\n${USAGE}`)
    process.exit(error.message === 'Usage:' ? 0 : 1)
  }
}

async function serve({ port, userDir }) {
  const { isTcpPortFree, startNodeRed } = await import('./node-red.mjs')
  if (!(await isTcpPortFree(port))) {
    say(`Port ${port} is in use, perhaps by another Node-RED. Choose another one: npm start -- --port ${port + 1}`)
    return 1
  }
  const flow = putDemoFlow(userDir)
  await warnOfBusySipPorts(flow)
  say('Starting Node-RED …')
  const nodeRed = await startNodeRed({ userDir, port, nodesDir: root, logLevel: 'warn' })
  say(welcome(nodeRed.url, flow, userDir))
  const how = await nodeRed.ended
  const asked = nodeRed.wasAskedToStop()
  say(asked ? 'Stopped.' : `Node-RED ended (${how}).`)
  return asked ? 0 : 1
}

/** Installs the demo flow at the first start and updates it as long as it was not edited. Returns the current flow. */
function putDemoFlow(userDir) {
  const flowFile = join(userDir, 'flows.json')
  const stampFile = join(userDir, 'demo-flow.sha256')
  const demo = readFileSync(DEMO_FLOW, 'utf8')
  const current = existsSync(flowFile) ? readFileSync(flowFile, 'utf8') : null
  const untouched = existsSync(stampFile) && current !== null && readFileSync(stampFile, 'utf8') === sha256(current)
  if (current !== null && !untouched) return JSON.parse(current)
  mkdirSync(userDir, { recursive: true })
  writeFileSync(flowFile, demo)
  writeFileSync(stampFile, sha256(demo))
  return JSON.parse(demo)
}

function sha256(text) {
  return createHash('sha256').update(text).digest('hex')
}

async function warnOfBusySipPorts(flow) {
  const { isUdpPortFree } = await import('./node-red.mjs')
  for (const { type, udpPort } of flow) {
    if (type !== 'sip-transport' || !Number(udpPort) || (await isUdpPortFree(Number(udpPort)))) continue
    say(
      `UDP port ${udpPort} is in use, perhaps by another demo: change it in the flow's SIP transport, or the call will fail.`,
    )
  }
}

function welcome(url, flow, userDir) {
  const inject = flow.find((node) => node.type === 'inject')
  const tab = flow.find((node) => node.type === 'tab' && node.id === inject?.z)
  const press = inject
    ? `Open it and press the button of the node "${inject.name}" on the tab "${tab?.label}".`
    : 'Open it in a browser.'
  return `
Ringflow is ready: ${url}

  ${press}
  The debug sidebar (the bug at the right) shows each event of the call and, at its end, its record.
  Everything is on this machine's loopback address: nothing is open to the network.
  Your flows are kept in ${userDir}
  Ctrl-C stops it.
`
}
