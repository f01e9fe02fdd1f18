/** Node-RED as its users start it: a process of its own on loopback, a fresh userDir, the pack installed there. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import WebSocket from 'ws'
import type { Holdings } from './process-handles.js'
import { repoPath, repoRoot } from './repo.js'

export const PACK = '@ringflow/node-red-telephony'

/** The matrix sets these: which Node runs which Node-RED with which copy of the pack. */
const NODE = process.env.RINGFLOW_TEST_NODE ?? process.execPath
const PROGRAM = process.env.RINGFLOW_TEST_NODE_RED ?? repoPath('node_modules', 'node-red', 'red.js')
const PACK_DIR = process.env.RINGFLOW_TEST_PACK ?? repoRoot

const HOST = '127.0.0.1'
const START_MS = 60_000
const PRESS_MS = 15_000

export type FlowNode = { id: string; type: string; [property: string]: unknown }

export interface DebugMessages {
  /** As an object where the debug node shows one. */
  next(): Promise<unknown>
  close(): void
}

export interface RunningNodeRed {
  readonly url: string
  readonly pid: number
  /** Gone when it is closed. */
  readonly userDir: string
  /** What it logged so far. */
  readonly log: string[]
  deploy(flow: FlowNode[]): Promise<void>
  flow(): Promise<FlowNode[]>
  /** Errors that loading the pack's nodes has caused; empty if there are none. */
  loadErrors(): Promise<string[]>
  /** Presses the button of an inject node. */
  press(id: string): Promise<void>
  /** What a debug node shows from now on; resolves when somebody listens. */
  debugMessages(id: string): Promise<DebugMessages>
  /** As SIGTERM does; its folder stays. */
  stop(): Promise<void>
  close(): Promise<void>
}

/** `preload`: a module that is loaded into its process first; `settings`: what differs from those of all tests. */
export async function startNodeRed({
  preload,
  settings: changes = {},
  userDir = newUserDir(),
}: {
  preload?: URL
  settings?: Record<string, unknown>
  /** The user directory of a Node-RED that was stopped before; default: a new one. */
  userDir?: string
} = {}): Promise<RunningNodeRed> {
  const port = await freePort()
  const settings = join(userDir, 'settings.js')
  writeFileSync(settings, `module.exports = ${JSON.stringify({ ...settingsFor(port), ...changes }, null, 2)}\n`)
  const first = preload ? ['--import', preload.href] : []
  const child = spawn(NODE, [...first, PROGRAM, '--userDir', userDir, '--settings', settings], {
    cwd: userDir,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const log: string[] = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => log.push(text.toString()))
  const url = `http://${HOST}:${port}`
  const stop = () => end(child)
  const close = async () => {
    await stop()
    rmSync(userDir, { recursive: true, force: true })
  }
  try {
    await ready(url, child)
  } catch (error) {
    await close()
    throw new Error(`Node-RED did not start:\n${log.join('')}`, { cause: error })
  }
  return {
    url,
    userDir,
    pid: child.pid ?? 0,
    log,
    stop,
    close,
    deploy: (flow) => deploy(url, flow),
    flow: () => readFlow(url),
    loadErrors: () => loadErrors(url),
    press: (id) => press(url, id),
    debugMessages: (id) => debugMessages(url, id),
  }
}

function newUserDir(): string {
  const userDir = mkdtempSync(join(tmpdir(), 'ringflow-browser-'))
  installPack(userDir)
  return userDir
}

/** As `npm install <folder>` does. */
function installPack(userDir: string): void {
  const place = join(userDir, 'node_modules', PACK)
  mkdirSync(dirname(place), { recursive: true })
  symlinkSync(PACK_DIR, place, 'dir')
  const dependencies = { [PACK]: `file:${PACK_DIR}` }
  writeFileSync(join(userDir, 'package.json'), JSON.stringify({ name: 'throw-away', private: true, dependencies }))
}

const settingsFor = (port: number) => ({
  uiHost: HOST,
  uiPort: port,
  flowFile: 'flows.json',
  credentialSecret: 'throw-away',
  telemetry: { enabled: false, updateNotification: false },
  editorTheme: {
    tours: false,
    projects: { enabled: false },
    palette: { catalogues: [] },
    multiplayer: { enabled: false },
  },
  externalModules: { palette: { allowInstall: false, allowUpload: false }, modules: { allowInstall: false } },
  logging: { console: { level: 'info', metrics: false, audit: false } },
})

/** The admin API answers `/flows` only when the runtime is up. */
async function ready(url: string, child: ChildProcess): Promise<void> {
  const until = Date.now() + START_MS
  for (;;) {
    const response = await fetch(`${url}/flows`).catch(() => null)
    await response?.body?.cancel()
    if (response?.ok) return
    if (child.exitCode !== null) throw new Error(`it ended with code ${child.exitCode}`)
    if (Date.now() > until) throw new Error(`no answer within ${START_MS / 1000} s`)
    await new Promise((done) => setTimeout(done, 200))
  }
}

async function deploy(url: string, flows: FlowNode[]): Promise<void> {
  const response = await fetch(`${url}/flows`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'Node-RED-API-Version': 'v2' },
    body: JSON.stringify({ flows }),
  })
  if (!response.ok) throw new Error(`POST /flows: ${response.status} ${await response.text()}`)
}

async function readFlow(url: string): Promise<FlowNode[]> {
  const response = await fetch(`${url}/flows`, { headers: { 'Node-RED-API-Version': 'v2' } })
  return ((await response.json()) as { flows: FlowNode[] }).flows
}

/** The admin API answers a little before the flow has started. */
async function press(url: string, id: string): Promise<void> {
  const until = Date.now() + PRESS_MS
  for (;;) {
    const { ok, status } = await fetch(`${url}/inject/${id}`, { method: 'POST' })
    if (ok) return
    if (Date.now() > until) throw new Error(`inject ${id}: ${status}`)
    await new Promise((done) => setTimeout(done, 50))
  }
}

interface DebugNotice {
  topic: string
  data: { id: string; format: string; msg: string }
}

async function debugMessages(url: string, id: string): Promise<DebugMessages> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/comms`)
  const shown: unknown[] = []
  const waiting: ((message: unknown) => void)[] = []
  socket.on('message', (text) => {
    for (const { topic, data } of [JSON.parse(String(text))].flat() as DebugNotice[]) {
      if (topic !== 'debug' || data.id !== id) continue
      const message: unknown = data.format === 'Object' ? JSON.parse(data.msg) : data.msg
      const next = waiting.shift()
      if (next) next(message)
      else shown.push(message)
    }
  })
  await new Promise((done, fail) => socket.once('open', done).once('error', fail))
  socket.send(JSON.stringify({ subscribe: 'debug' }))
  return {
    next: () => (shown.length > 0 ? Promise.resolve(shown.shift()) : new Promise((done) => waiting.push(done))),
    close: () => socket.close(),
  }
}

async function loadErrors(url: string): Promise<string[]> {
  const response = await fetch(`${url}/nodes`, { headers: { accept: 'application/json' } })
  const sets = (await response.json()) as { module: string; name: string; enabled: boolean; err?: unknown }[]
  const ours = sets.filter(({ module }) => module === PACK)
  if (ours.length === 0) return ['the pack was not found']
  return ours.filter(({ enabled, err }) => !enabled || err).map(({ name, err }) => `${name}: ${String(err)}`)
}

function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return Promise.resolve()
  return new Promise((done) => {
    const force = setTimeout(() => child.kill('SIGKILL'), 20_000)
    child.once('exit', () => {
      clearTimeout(force)
      done()
    })
    child.kill('SIGTERM')
  })
}

function freePort(): Promise<number> {
  return new Promise((done, fail) => {
    const server = createServer()
    server.once('error', fail)
    server.listen(0, HOST, () => {
      const address = server.address()
      server.close(() => done(typeof address === 'object' && address ? address.port : 0))
    })
  })
}

/** Figures of a process that has `report-holdings` loaded: requested by a signal, read from its output. */
export async function holdingsOf({ pid, log }: RunningNodeRed): Promise<Holdings> {
  const said = log.length
  process.kill(pid, 'SIGURG')
  for (;;) {
    const answer = /^holdings (.*)$/m.exec(log.slice(said).join(''))?.[1]
    if (answer) return JSON.parse(answer) as Holdings
    await new Promise((done) => setTimeout(done, 50))
  }
}
