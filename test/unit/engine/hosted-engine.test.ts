/** The engine's thread dies and is started again, by a fake clock and fake threads. */
import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import type { Worker, WorkerOptions } from 'node:worker_threads'
import type { CallEvent } from '../../../src/call/call-event.js'
import { HostedEngine } from '../../../src/engine/hosted-engine.js'
import { FakeClock } from '../../support/fake-clock.js'
import { settled, withCode } from './engine-fixture.js'

/** A thread that says that it is up, and answers every command. */
class FakeThread extends EventEmitter {
  postMessage({ i }: { i: number }): void {
    queueMicrotask(() => this.emit('message', { re: i, r: null }))
  }

  up(): void {
    this.tell('engine', { state: 'up', reason: '' })
  }

  tell(ev: string, d: unknown): void {
    this.emit('message', { ev, d })
  }

  die(): void {
    this.emit('exit', 1)
  }

  async terminate(): Promise<number> {
    this.die()
    return 1
  }
}

async function start() {
  const clock = new FakeClock()
  const threads: FakeThread[] = []
  const options: WorkerOptions[] = []
  const startThread = (_entry: URL, how: WorkerOptions) => {
    const thread = new FakeThread()
    threads.push(thread)
    options.push(how)
    queueMicrotask(() => thread.up())
    return thread as unknown as Worker
  }
  const engine = await HostedEngine.start(
    { mediaRoots: [], recordRoot: '', logLevel: 'silent' },
    { clock, startThread },
  )
  const last = () => {
    const thread = threads.at(-1)
    assert.ok(thread)
    return thread
  }
  /** Whether a new thread is there after so long. */
  const isBackAfter = async (ms: number): Promise<boolean> => {
    const before = threads.length
    clock.advance(ms)
    await settled()
    return threads.length > before
  }
  return { engine, clock, threads, options, last, isBackAfter }
}

describe('the engine’s thread', () => {
  it('is started again at once when it dies once, later and later when it goes on dying', async () => {
    const { last, isBackAfter } = await start()
    last().die()
    assert.ok(await isBackAfter(0))
    last().die()
    assert.ok(!(await isBackAfter(249)))
    assert.ok(await isBackAfter(1))
    last().die()
    assert.ok(!(await isBackAfter(499)))
    assert.ok(await isBackAfter(501))
  })

  it('counts its deaths anew when it has lived for more than half a minute', async () => {
    const { last, isBackAfter, clock } = await start()
    for (let n = 0; n < 5; n++) {
      last().die()
      await isBackAfter(30_000)
    }
    clock.advance(30_001)
    last().die()
    assert.ok(await isBackAfter(0))
    clock.advance(30_000)
    last().die()
    assert.ok(!(await isBackAfter(249)), 'half a minute is not more than half a minute')
  })

  it('does not get the flags of the process', async () => {
    const { options } = await start()
    assert.deepEqual(
      options.map(({ execArgv }) => execArgv),
      [[]],
    )
  })

  it('takes its calls along; the last 10,000 are remembered', async () => {
    const { engine, last, isBackAfter } = await start()
    const call = { account: { id: 'a', name: 'a' }, from: {}, to: {}, startedAt: '', answeredAt: null, tags: {} }
    for (let n = 0; n <= 10_000; n++) {
      const event = { type: 'call.trying', callId: `call${n}`, seq: 1, at: '', owner: null, call }
      last().tell('call', event as unknown as CallEvent)
    }
    last().die()
    await isBackAfter(0)
    for (const callId of ['call1', 'call10000']) {
      await assert.rejects(engine.call('ring', { callId }), withCode('CALL_ENDED'))
    }
    await engine.call('ring', { callId: 'call0' }) // forgotten: the new engine says what it knows
  })
})
