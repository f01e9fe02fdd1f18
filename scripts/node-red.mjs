// Node-RED as a child process on loopback, with settings that open nothing to the network. This file does not know the demo.
import { spawn } from 'node:child_process'
import { createCipheriv, createHash, randomBytes } from 'node:crypto'
import dgram from 'node:dgram'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { root, say } from './setup.mjs'

export const HOST = '127.0.0.1'

/** The Node-RED that is a devDependency of this project. */
export const OWN_NODE_RED = join(root, 'node_modules', 'node-red', 'red.js')

/** `.cjs`: in a userDir below this ES module tree `.js` would not be CommonJS. */
const SETTINGS = 'settings.cjs'

const SIGNALS = ['SIGINT', 'SIGTERM']
const READY_MS = 90_000
const STOP_MS = 20_000

/**
 * Starts Node-RED and resolves when its admin API answers. While it runs, SIGINT and SIGTERM stop it; `ended` resolves when it has stopped.
 * `nodesDir`: the tree that the pack is loaded from; absent if the pack is installed in the userDir.
 */
export async function startNodeRed({
  userDir,
  port,
  nodesDir,
  logLevel,
  node = process.execPath,
  program = OWN_NODE_RED,
}) {
  writeSettings({ userDir, port, nodesDir, logLevel })
  const args = [program, '--userDir', userDir, '--settings', join(userDir, SETTINGS)]
  const child = spawn(node, args, { cwd: userDir, stdio: ['ignore', 'pipe', 'pipe'] })
  for (const stream of [child.stdout, child.stderr]) createInterface(stream).on('line', tell)
  const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code)))
  const asked = stopOnSignals(child, ended)
  const url = `http://${HOST}:${port}`
  const stop = async () => {
    child.kill('SIGTERM')
    const force = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
    const how = await ended
    clearTimeout(force)
    return how
  }
  try {
    await Promise.race([
      answers(`${url}/flows`),
      ended.then((how) => Promise.reject(new Error(`Node-RED ended (${how})`))),
    ])
  } catch (error) {
    await stop()
    throw error
  }
  return { url, ended, stop, wasAskedToStop: () => asked.stop }
}

/** Node-RED ends its calls and registrations first. A second signal does no harm: Ctrl-C in a terminal reaches Node-RED too. */
function stopOnSignals(child, ended) {
  const asked = { stop: false }
  const tell = () => {
    asked.stop = true
    child.kill('SIGTERM')
  }
  for (const signal of SIGNALS) process.on(signal, tell)
  ended.then(() => {
    for (const signal of SIGNALS) process.off(signal, tell)
  })
  return asked
}

/** Node-RED prints this warning at each start, with any setting. */
const NOISE = /Projects disabled/

function tell(line) {
  if (!NOISE.test(line)) say(line)
}

async function answers(url) {
  const until = Date.now() + READY_MS
  for (;;) {
    const response = await fetch(url).catch(() => null)
    await response?.body?.cancel()
    if (response?.ok) return
    if (Date.now() > until) throw new Error(`Node-RED did not answer at ${url} within ${READY_MS / 1000} s`)
    await delay(200)
  }
}

function writeSettings({ userDir, port, nodesDir, logLevel }) {
  mkdirSync(userDir, { recursive: true })
  const settings = {
    uiHost: HOST,
    uiPort: port,
    flowFile: 'flows.json',
    flowFilePretty: true,
    credentialSecret: credentialSecret(userDir),
    ...(nodesDir ? { nodesDir: [nodesDir] } : {}),
    telemetry: { enabled: false, updateNotification: false },
    editorTheme: { tours: false, palette: { catalogues: [] } },
    paletteCategories: ['telephony', 'subflows', 'common', 'function', 'network', 'sequence', 'parser', 'storage'],
    externalModules: { palette: { allowInstall: false, allowUpload: false }, modules: { allowInstall: false } },
    debugMaxLength: 10_000,
    logging: { console: { level: logLevel, metrics: false, audit: false } },
  }
  const text = JSON.stringify(settings, null, 2)
  writeFileSync(
    join(userDir, SETTINGS),
    `// Written anew at each start by scripts/node-red.mjs.\nmodule.exports = ${text}\n`,
  )
}

/** Made once for each userDir, so that credentials can be read after a restart. */
function credentialSecret(userDir) {
  const file = join(userDir, 'credential-secret')
  if (!existsSync(file)) {
    writeFileSync(file, randomBytes(32).toString('hex'), { mode: 0o600 })
    writeFileSync(join(userDir, 'flows_cred.json'), JSON.stringify(noCredentials(readFileSync(file, 'utf8'))))
  }
  return readFileSync(file, 'utf8')
}

/** Encrypted as Node-RED does (AES-256-CTR): without this file Node-RED would warn at the first start. */
function noCredentials(secret) {
  const iv = randomBytes(16)
  const cipher = createCipheriv('aes-256-ctr', createHash('sha256').update(secret).digest(), iv)
  return { $: iv.toString('hex') + cipher.update('{}', 'utf8', 'base64') + cipher.final('base64') }
}

/** Whether a TCP port on loopback is free. */
export function isTcpPortFree(port) {
  return new Promise((resolve) => {
    const server = net.createServer()
    server.once('error', () => resolve(false))
    server.listen(port, HOST, () => server.close(() => resolve(true)))
  })
}

export function freeTcpPort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer()
    server.once('error', reject)
    server.listen(0, HOST, () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

export function isUdpPortFree(port) {
  return new Promise((resolve) => {
    const socket = dgram.createSocket('udp4')
    socket.once('error', () => socket.close(() => resolve(false)))
    socket.bind(port, HOST, () => socket.close(() => resolve(true)))
  })
}

/** Different free UDP ports on loopback: all stay bound until the last one is found. */
export async function freeUdpPorts(count) {
  const sockets = await Promise.all(
    Array.from({ length: count }, () => {
      const socket = dgram.createSocket('udp4')
      return new Promise((resolve, reject) => {
        socket.once('error', reject)
        socket.bind(0, HOST, () => resolve(socket))
      })
    }),
  )
  const ports = sockets.map((socket) => socket.address().port)
  await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.close(resolve))))
  return ports
}
