import assert from 'node:assert/strict'
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { EngineChild } from '../support/engine-child.js'
import { loopbackAccount } from '../support/engine-pair.js'
import { tell } from '../support/figures.js'
import { peerFolder } from '../support/peers/peer-folder.js'
import '../support/peers/root-hooks.js'

/** The engine's clock runs faster by this factor; the figures below are in its time. */
const SPEED = 10
const TROUBLE_SEC = 60
const PROMISED = { in10Sec: 12, backSec: 35, perMinute: 3 }

type Answer = { status: number; headers?: string[] } | null
interface Trouble {
  /** The answer to the nth REGISTER while there is trouble; null for silence. */
  answer: (text: string, n: number) => Answer
  /** The registrar's port is closed while there is trouble. */
  dead?: true
  /** The registrar blames our credentials: we ask rarely, however soon it recovers. */
  refused?: true
  /** The registrar works correctly but asks for frequent refreshes. */
  served?: true
}

const challenge = (n: number, more = ''): Answer => ({
  status: 401,
  headers: [`WWW-Authenticate: Digest realm="trouble", nonce="n${n}", qop="auth", algorithm=MD5${more}`],
})
const expiresOf = (text: string): number => Number(/^Expires: *(\d+)/im.exec(text)?.[1] ?? 0)
const granted = (text: string, expiresSec: number): Answer => ({
  status: 200,
  headers: [`Contact: ${/^Contact: *(<[^>]*>)/im.exec(text)?.[1]};expires=${expiresSec}`],
})

const TROUBLES: Record<string, Trouble> = {
  silent: { answer: () => null },
  dead: { answer: () => null, dead: true },
  '500': { answer: () => ({ status: 500 }) },
  '503': { answer: () => ({ status: 503, headers: ['Retry-After: 5'] }) },
  '423 for ever': {
    answer: (text) => ({ status: 423, headers: [`Min-Expires: ${Math.max(1, expiresOf(text)) * 2}`] }),
  },
  'stale for ever': { answer: (_text, n) => challenge(n, ', stale=true') },
  '401 for ever': { answer: (_text, n) => challenge(n), refused: true },
  '403 for ever': { answer: () => ({ status: 403 }), refused: true },
  'expires=1': { answer: (text) => granted(text, 1), served: true },
  'expires=0': { answer: (text) => granted(text, 0), served: true },
  'expires=99999999999': { answer: (text) => granted(text, 99_999_999_999), served: true },
  'no Contact in 200': { answer: () => ({ status: 200 }), served: true },
  'provisional for ever': { answer: () => ({ status: 100 }) },
  'half a response': { answer: () => ({ status: 999, headers: ['Contact'] }) },
}

describe('registrar trouble', function () {
  this.timeout(60_000)

  let engine: EngineChild
  let registrars: Registrar[]

  before(async () => {
    engine = await EngineChild.start({
      folder: peerFolder.folder('registrar'),
      kind: 'assembled',
      noSound: true,
      speed: SPEED,
    })
    registrars = await Promise.all(Object.entries(TROUBLES).map(([name, trouble]) => Registrar.open(name, trouble)))
  })

  after(async () => {
    await engine.close()
    await Promise.all(registrars.map((registrar) => registrar.close()))
  })

  it('no storm while there is trouble, back soon after it', async () => {
    for (const [n, registrar] of registrars.entries()) {
      const { transport, ...account } = loopbackAccount(`troubled-${n}`)
      const config = { ...account, transport: { ...transport, id: 'shared' }, password: 'right', register: true }
      registrar.begin()
      await engine.call('engine', {
        op: 'setAccount',
        arg: { ...config, registrar: `127.0.0.1:${registrar.port}` },
      })
    }
    await delay((TROUBLE_SEC * 1000) / SPEED)
    await Promise.all(registrars.map((registrar) => registrar.getWell()))
    await delay(((PROMISED.backSec + 10) * 1000) / SPEED)

    const wrong = registrars.flatMap((registrar) => registrar.judge())
    const faults = await engine.call('faults', null)
    assert.deepEqual(wrong, [])
    assert.deepEqual(faults, [])
  })
})

class Registrar {
  readonly name: string
  readonly port: number
  readonly #trouble: Trouble
  readonly #atMs: number[] = []
  #socket: Socket | undefined
  #begunMs = 0
  #wellMs: number | undefined
  #backMs: number | undefined

  static async open(name: string, trouble: Trouble): Promise<Registrar> {
    const socket = createSocket('udp4').bind(0, '127.0.0.1')
    await once(socket, 'listening')
    const registrar = new Registrar(name, trouble, socket.address().port)
    if (trouble.dead) {
      socket.close()
      await once(socket, 'close')
    } else registrar.#listen(socket)
    return registrar
  }

  private constructor(name: string, trouble: Trouble, port: number) {
    this.name = name
    this.port = port
    this.#trouble = trouble
  }

  begin(): void {
    this.#begunMs = performance.now()
  }

  /** Requests in the engine's first seconds of trouble. */
  #countWithin(seconds: number): number {
    const untilMs = Math.min(this.#begunMs + (seconds * 1000) / SPEED, this.#wellMs ?? Number.POSITIVE_INFINITY)
    return this.#atMs.filter((ms) => ms <= untilMs).length
  }

  /** Prints the figures; returns those that break the promise. */
  judge(): string[] {
    const { refused, served, dead } = this.#trouble
    const [in10Sec, inMinute, back] = [this.#countWithin(10), this.#countWithin(60), this.#backAfterSec]
    const comesBack = !refused && !served
    const backText = back === undefined ? 'not back yet' : `back after ${back.toFixed(1)} s`
    const promise = refused
      ? `at most ${PROMISED.perMinute} a minute; asked again after 15 min`
      : `at most ${PROMISED.in10Sec} in 10 s${comesBack ? `, back within ${PROMISED.backSec} s` : ''}`
    const figure = `${in10Sec} requests in 10 s, ${inMinute} in a minute`
    tell(`registrar: ${this.name}`, served ? figure : `${figure}, ${backText}`, promise)
    const broken = [
      in10Sec > PROMISED.in10Sec,
      refused === true && inMinute > PROMISED.perMinute,
      comesBack && !(back !== undefined && back <= PROMISED.backSec),
      in10Sec === 0 && !dead,
    ]
    return broken.some(Boolean) ? [`${this.name}: ${figure}, ${backText}`] : []
  }

  async getWell(): Promise<void> {
    if (!this.#socket) {
      const socket = createSocket('udp4').bind(this.port, '127.0.0.1')
      await once(socket, 'listening')
      this.#listen(socket)
    }
    this.#wellMs = performance.now()
  }

  get #backAfterSec(): number | undefined {
    if (this.#backMs === undefined || this.#wellMs === undefined) return undefined
    return ((this.#backMs - this.#wellMs) * SPEED) / 1000
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#socket?.close(resolve))
    if (this.#socket) await closed
  }

  #listen(socket: Socket): void {
    this.#socket = socket
    socket.on('message', (bytes, from) => this.#take(bytes.toString(), from))
    socket.on('error', () => undefined)
  }

  #take(text: string, from: RemoteInfo): void {
    if (!text.startsWith('REGISTER')) return
    this.#atMs.push(performance.now())
    const well = this.#wellMs !== undefined
    const answer = well ? granted(text, expiresOf(text)) : this.#trouble.answer(text, this.#atMs.length)
    if (well) this.#backMs ??= performance.now()
    if (!answer) return
    const kept = text.split('\r\n').filter((line) => /^(via|from|call-id|cseq):/i.test(line))
    const to = `${/^To: .*$/im.exec(text)?.[0].trim()}${answer.status > 100 ? ';tag=registrar' : ''}`
    const lines = [
      `SIP/2.0 ${answer.status} Trouble`,
      ...kept,
      to,
      ...(answer.headers ?? []),
      'Content-Length: 0',
      '',
      '',
    ]
    this.#socket?.send(lines.join('\r\n'), from.port, from.address)
  }
}
