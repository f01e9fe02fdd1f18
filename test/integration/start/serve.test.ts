import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../../../', import.meta.url))
const RING = 'ringflow-demo-ring'

type FlowNode = { id: string; type: string }

describe('npm start', function () {
  this.timeout(60_000)
  let userDir: string
  let port: number
  let started: ChildProcess
  let told: string

  before(async () => {
    userDir = mkdtempSync(join(tmpdir(), 'ringflow-start-'))
    port = await freePort()
  })
  beforeEach(start)
  afterEach(async () => {
    if (started.exitCode === null) await stop()
  })
  after(() => rmSync(userDir, { recursive: true, force: true }))

  it('tells the address and what to press', () => {
    assert.match(told, new RegExp(`http://127\\.0\\.0\\.1:${port}`))
    assert.match(told, /"ring" on the tab "Caller"/)
  })

  it('opens sockets on loopback only, also in a call, and ends on SIGTERM with 0', async () => {
    const pressed = await fetch(`${url()}/inject/${RING}`, { method: 'POST' })
    assert.equal(pressed.status, 200)
    const sockets = await socketsInCall()
    assert.deepEqual(
      sockets.filter(({ address }) => address !== '127.0.0.1'),
      [],
    )
    assert.ok(sockets.some(({ protocol }) => protocol === 'tcp'))
    assert.equal(await stop(), 0)
    assert.match(told, /Stopped\./)
  })

  it('leaves a flow alone that the user has changed', async () => {
    const changed = (await readFlow()).filter(({ type }) => type !== 'comment')
    const deployed = await fetch(`${url()}/flows`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'Node-RED-Deployment-Type': 'full' },
      body: JSON.stringify(changed),
    })
    assert.equal(deployed.status, 204)
    await stop()
    await start()
    assert.deepEqual((await readFlow()).map(({ id }) => id).sort(), changed.map(({ id }) => id).sort())
  })

  it('says which port is in use, and how to choose another', async () => {
    const second = spawn(process.execPath, [`${root}scripts/start.mjs`, '--port', String(port)])
    let text = ''
    second.stderr.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    const [code] = await once(second, 'close')
    assert.equal(code, 1)
    assert.match(text, new RegExp(`Port ${port} is in use.*--port ${port + 1}`))
  })

  const url = () => `http://127.0.0.1:${port}`

  async function start(): Promise<void> {
    const args = [`${root}scripts/start.mjs`, '--port', String(port), '--user-dir', userDir]
    started = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] })
    told = ''
    await new Promise<void>((resolve, reject) => {
      started.stderr?.on('data', (chunk: Buffer) => {
        told += chunk.toString()
        if (told.includes('Ctrl-C stops it')) resolve()
      })
      started.once('exit', () => reject(new Error(`it ended:\n${told}`)))
    })
  }

  async function stop(): Promise<unknown> {
    const ended = once(started, 'close')
    started.kill('SIGTERM')
    return (await ended)[0]
  }

  async function readFlow(): Promise<FlowNode[]> {
    return (await (await fetch(`${url()}/flows`)).json()) as FlowNode[]
  }

  /** Both SIP sockets, RTP and RTCP of both sides, and the editor's. */
  async function socketsInCall(): Promise<Socket[]> {
    for (;;) {
      const sockets = childrenOf(started.pid ?? 0).flatMap(socketsOf)
      if (sockets.filter(({ protocol }) => protocol === 'udp').length >= 6) return sockets
      await delay(50)
    }
  }
})

interface Socket {
  protocol: string
  address: string
}

function childrenOf(pid: number): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return pids.map(Number).filter((child) => parentOf(child) === pid)
}

function parentOf(pid: number): number {
  try {
    return Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1])
  } catch {
    return 0 // the process has ended
  }
}

/** Every IP socket of a process, with its local address, from /proc. */
function socketsOf(pid: number): Socket[] {
  const inodes = new Set(
    readdirSync(`/proc/${pid}/fd`).map((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1]
      } catch {
        return undefined // the socket was closed
      }
    }),
  )
  return ['tcp', 'udp', 'tcp6', 'udp6'].flatMap((protocol) =>
    readFileSync(`/proc/${pid}/net/${protocol}`, 'utf8')
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => inodes.has(fields[9]))
      .map((fields) => ({ protocol, address: addressOf(fields[1] ?? '') })),
  )
}

/** `0100007F:1F90` is 127.0.0.1:8080; longer values are IPv6 and are returned unchanged. */
function addressOf(hex: string): string {
  const [address = ''] = hex.split(':')
  if (address.length !== 8) return address
  return Buffer.from(address, 'hex').reverse().join('.')
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}
