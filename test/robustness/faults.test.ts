import assert from 'node:assert/strict'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { silentLogger } from '../../src/base/logger.js'
import { RpcClient } from '../../src/base/rpc.js'
import type { EngineCommands, EngineEvents } from '../../src/engine/protocol.js'
import { startMediaService } from '../../src/media/client.js'
import { AssembledEngine } from '../support/assembled-engine.js'
import { EngineChild } from '../support/engine-child.js'
import { engineInit, Heard, loopbackAccount } from '../support/engine-pair.js'
import type { FaultKind } from '../support/faulty-host.js'
import { ms, tell } from '../support/figures.js'
import { peerFolder } from '../support/peers/peer-folder.js'
import '../support/peers/root-hooks.js'
import { SipProber } from '../support/sip-prober.js'

const CALLS = 20
const BYE_MS = 2_000

describe('faults stay local', function () {
  this.timeout(30_000)

  let callee: EngineChild
  let target: string

  beforeEach(async () => {
    callee = await EngineChild.start({ folder: peerFolder.folder('callee'), kind: 'hosted', plays: true })
    target = `sip:ringflow@${callee.local.host}:${callee.local.port}`
  })

  afterEach(() => callee.close())

  it('an exception thrown in any handler of the engine ends no call', async () => {
    const PER_KIND = 4
    const KINDS: FaultKind[] = ['timer', 'datagram', 'command', 'media']
    const engine = await FaultyEngine.start()
    const { local } = await engine.client.call('setAccount', loopbackAccount('caller', { inboundFrom: 'anyone' }))
    const prober = await SipProber.open(local)
    await Promise.all(Array.from({ length: CALLS }, () => engine.answered(target)))

    // Triggers a handler of each kind by a new answer, timer or command, so that only the new one is harmed.
    const provoke: Record<FaultKind, () => unknown> = {
      timer: () => engine.client.call('dial', { accountId: 'caller', target: 'sip:nobody@127.0.0.1:9' }),
      datagram: () => prober.options('caller', 500),
      command: () => void engine.client.call('calls', null),
      media: () => engine.client.call('dial', { accountId: 'caller', target: 'sip:nobody@127.0.0.1:9' }),
    }
    for (const kind of KINDS) {
      for (let n = 0; n < PER_KIND; n++) {
        await engine.armed(kind)
        const thrown = engine.thrown()
        void Promise.resolve(provoke[kind]()).catch(() => undefined)
        await thrown
      }
    }
    const { status } = await prober.options('caller')
    const { live } = await callee.call('calls', null)
    tell(
      `calls that live after ${KINDS.length * PER_KIND} exceptions in ${KINDS.join(', ')} handlers`,
      `${live} of ${CALLS}, OPTIONS answered ${status}, engine ${engine.alive ? 'alive' : 'dead'}`,
      'all',
    )
    assert.equal(engine.faultsLogged > 0, true)
    assert.deepEqual([live, status, engine.alive], [CALLS, 200, true])
    await Promise.all(engine.callIds.map((callId) => engine.client.call('hangup', { callId })))
    while ((await callee.call('calls', null)).live > 0) await delay(20)
    await prober.close()
    await engine.close()
  })

  it('a media worker that dies ends its own calls with BYE, all others go on', async () => {
    const threads: Worker[] = []
    const startThread = (...args: ConstructorParameters<typeof Worker>) => {
      const worker = new Worker(...args)
      if (args[1]?.name === 'ringflow-media') threads.push(worker)
      return worker
    }
    const media = startMediaService(
      { log: silentLogger, startThread: startThread as never },
      { workers: 2, callsPerWorker: 1 },
    )
    const engine = new AssembledEngine(engineInit(), { media })
    const heard = new Heard(engine)
    await engine.call('setAccount', loopbackAccount('caller'))
    const ids: string[] = []
    for (let n = 0; n < CALLS; n++) ids.push((await engine.call('dial', { accountId: 'caller', target })).callId)
    await Promise.all(ids.map((id) => heard.next('call.media', ({ callId }) => callId === id)))
    assert.equal(threads.length, 2)

    const startMs = performance.now()
    await threads[0]?.terminate()
    await heard.next('call.ended')
    while ((await callee.call('calls', null)).live > CALLS / 2) await delay(10)
    const byeMs = performance.now() - startMs
    await delay(300)
    const ends = heard.events.flatMap((event) => (event.type === 'call.ended' ? [event] : []))
    const gone = new Set(ends.map(({ callId }) => callId))
    const others = ids.filter((id) => !gone.has(id))
    const received = async () =>
      Promise.all(others.map(async (callId) => (await engine.call('stats', { callId })).packetsReceived))
    const before = await received()
    await delay(1_000)
    const grown = (await received()).map((count, n) => count - (before[n] ?? 0))
    tell('a dead media worker: its calls have had their BYE after', ms(byeMs), `${BYE_MS} ms`)
    tell(
      'calls of the other worker that go on',
      `${others.length}, ${Math.min(...grown)} packets in the next second`,
      'all',
    )
    assert.ok(byeMs <= BYE_MS, `${byeMs} ms`)
    assert.deepEqual([ends.length, others.length], [CALLS / 2, CALLS / 2])
    assert.ok(ends.every(({ end, cdr }) => end.by === 'error' && cdr.answeredAt))
    assert.ok(
      grown.every((packets) => packets >= 25),
      grown.join(' '),
    )

    // The next call must have media again.
    const { callId } = await engine.call('dial', { accountId: 'caller', target })
    await heard.next('call.media', (event) => event.callId === callId)
    await engine.close()
  })
})

class FaultyEngine {
  readonly client: RpcClient<EngineCommands, EngineEvents>
  readonly #worker: Worker
  #onArmed = () => {}
  #onThrown = () => {}
  readonly #onAnswered = new Map<string, () => void>()
  alive = true
  faultsLogged = 0

  static async start(): Promise<FaultyEngine> {
    const engine = new FaultyEngine()
    await once(engine.#worker, 'message') // up
    return engine
  }

  private constructor() {
    const workerData = engineInit({ logLevel: 'error' })
    this.#worker = new Worker(new URL('../support/faulty-host.js', import.meta.url), { workerData })
    this.#worker.on('exit', () => {
      this.alive = false
    })
    this.client = new RpcClient(this.#worker, (name, data) => {
      if ((name as string) === 'armed') this.#onArmed()
      if ((name as string) === 'thrown') this.#onThrown()
      if (name === 'log') this.faultsLogged++
      const event = data as EngineEvents['call']
      if (name === 'call' && event.type === 'call.answered') this.#onAnswered.get(event.callId)?.()
    })
  }

  get callIds(): string[] {
    return [...this.#onAnswered.keys()]
  }

  /** From now on the next handler of this kind throws. */
  armed(kind: FaultKind): Promise<void> {
    const armed = new Promise<void>((resolve) => {
      this.#onArmed = resolve
    })
    this.#worker.postMessage({ fault: kind })
    return armed
  }

  thrown(): Promise<void> {
    return new Promise((resolve) => {
      this.#onThrown = resolve
    })
  }

  async answered(target: string): Promise<void> {
    const callId = `call-${this.#onAnswered.size}`
    const answered = new Promise<void>((resolve) => this.#onAnswered.set(callId, resolve))
    await Promise.all([answered, this.client.call('dial', { accountId: 'caller', target, callId })])
  }

  async close(): Promise<void> {
    await this.client.call('shutdown', null)
    await this.#worker.terminate()
  }
}
