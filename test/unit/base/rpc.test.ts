import assert from 'node:assert/strict'
import { MessageChannel } from 'node:worker_threads'
import { TelephonyError } from '../../../src/base/errors.js'
import { RpcClient, serveRpc } from '../../../src/base/rpc.js'

type Commands = {
  add(a: { x: number; y: number }): number
  slow(a: null): Promise<string>
  fail(a: { how: 'coded' | 'plain' | 'string' | 'async' }): never
  unclonable(a: null): unknown
  first(a: { view: Uint8Array }): number
}
type Events = { tick: { n: number }; sound: { frame: Uint8Array } }

const code = (expected: string) => (error: unknown) => error instanceof TelephonyError && error.code === expected

describe('rpc', () => {
  let channel: MessageChannel
  let told: { name: string; data: unknown }[]
  let onTold: () => void
  let client: RpcClient<Commands, Events>
  let tell: ReturnType<typeof serveRpc<Commands, Events>>

  beforeEach(() => {
    channel = new MessageChannel()
    told = []
    onTold = () => {}
    client = new RpcClient<Commands, Events>(channel.port1, (name, data) => {
      told.push({ name, data })
      onTold()
    })
    tell = serveRpc<Commands, Events>(channel.port2, {
      add: ({ x, y }) => x + y,
      slow: () => new Promise((resolve) => setImmediate(() => resolve('later'))),
      fail: ({ how }) => {
        if (how === 'coded') throw new TelephonyError('NO_CALL', 'no such call')
        if (how === 'string') throw 'text'
        throw new TypeError('a bug')
      },
      unclonable: () => () => {},
      first: ({ view }) => view[0] ?? -1,
    })
  })

  afterEach(() => channel.port1.close())

  it('answers each question with its own answer, in whatever order they come', async () => {
    const answers = await Promise.all([
      client.call('slow', null),
      client.call('add', { x: 1, y: 2 }),
      client.call('slow', null),
    ])
    assert.deepEqual(answers, ['later', 3, 'later'])
  })

  it('obeys a request without a reply in its turn, and gives its error to the answering side', async () => {
    const { port1, port2 } = new MessageChannel()
    const asked: number[] = []
    const replies: unknown[] = []
    const failures: unknown[] = []
    port1.on('message', (message) => replies.push(message))
    const handlers = {
      note: ({ n }: { n: number }) => {
        if (n < 0) throw new TelephonyError('BAD_ARGUMENT', `${n} is negative`)
        return asked.push(n)
      },
    }
    serveRpc(port2, handlers, { failed: (arg, error) => failures.push([arg, error.code]) })
    const noting = new RpcClient<typeof handlers, Record<string, never>>(port1, () => {})
    noting.tell('note', { n: 1 })
    noting.tell('note', { n: -2 })
    assert.equal(await noting.call('note', { n: 3 }), 2)
    assert.deepEqual([asked, failures], [[1, 3], [[{ n: -2 }, 'BAD_ARGUMENT']]])
    assert.equal(replies.length, 1)
    noting.close(new TelephonyError('CLOSED', 'over'))
    noting.tell('note', { n: 4 })
    port1.close()
  })

  it('hands errors over with code and message; a bug becomes INTERNAL', async () => {
    await assert.rejects(client.call('fail', { how: 'coded' }), { code: 'NO_CALL', message: 'no such call' })
    await assert.rejects(client.call('fail', { how: 'plain' }), { code: 'INTERNAL', message: 'a bug' })
    await assert.rejects(client.call('fail', { how: 'string' }), { code: 'INTERNAL', message: 'text' })
    assert.equal(await client.call('add', { x: 1, y: 1 }), 2, 'goes on after errors')
  })

  it('refuses commands that do not exist, also those that every object inherits', async () => {
    for (const op of ['nope', 'toString', '__proto__', 'constructor']) {
      await assert.rejects(client.call(op as 'add', { x: 1, y: 1 }), code('BAD_ARGUMENT'))
    }
  })

  it('rejects what cannot be sent, in either direction', async () => {
    await assert.rejects(client.call('add', { x: (() => 1) as unknown as number, y: 1 }), code('BAD_ARGUMENT'))
    await assert.rejects(client.call('unclonable', null), code('INTERNAL'))
  })

  it('tells events with what they hold, and moves what is transferred', async () => {
    const heard = new Promise<void>((resolve) => {
      onTold = () => told.length === 2 && resolve()
    })
    tell('tick', { n: 1 })
    const frame = new Uint8Array([7])
    tell('sound', { frame }, [frame.buffer])
    await heard
    assert.deepEqual(told, [
      { name: 'tick', data: { n: 1 } },
      { name: 'sound', data: { frame: new Uint8Array([7]) } },
    ])
    assert.equal(frame.length, 0)
    const view = new Uint8Array([9])
    assert.equal(await client.call('first', { view }, [view.buffer]), 9)
    assert.equal(view.length, 0)
  })

  it('rejects all that waits and all that comes when it is closed', async () => {
    const waiting = client.call('slow', null)
    client.close(new TelephonyError('ENGINE_DIED', 'gone'))
    client.close(new TelephonyError('CLOSED', 'too late'))
    await assert.rejects(waiting, code('ENGINE_DIED'))
    await assert.rejects(client.call('add', { x: 1, y: 1 }), code('ENGINE_DIED'))
  })

  it('batched, says all of one turn in one message, in order; what cannot be cloned keeps back nothing else', async () => {
    const { port1, port2 } = new MessageChannel()
    const crossed: unknown[] = []
    port2.on('message', (message) => crossed.push(message))
    const heard: number[] = []
    const batched = new RpcClient<Commands, Events>(port1, (_name, data) => heard.push((data as { n: number }).n), {
      batched: true,
    })
    const tellBatched = serveRpc<Commands, Events>(
      port2,
      {
        add: ({ x, y }) => {
          tellBatched('tick', { n: x })
          return x + y
        },
        slow: async () => 'later',
        fail: () => assert.fail('not asked'),
        unclonable: () => () => {},
        first: ({ view }) => view[0] ?? -1,
      },
      { batched: true },
    )
    const view = new Uint8Array([9])
    const sums = Promise.all([
      batched.call('add', { x: 1, y: 1 }),
      batched.call('add', { x: 2, y: 2 }),
      batched.call('first', { view }, [view.buffer]),
    ])
    assert.deepEqual(await sums, [2, 4, 9])
    assert.equal(crossed.length, 1)
    assert.deepEqual(heard, [1, 2])
    const bad = batched.call('add', { x: (() => 1) as unknown as number, y: 1 })
    const good = batched.call('add', { x: 3, y: 3 })
    const badReply = batched.call('unclonable', null)
    await assert.rejects(bad, code('BAD_ARGUMENT'))
    assert.equal(await good, 6)
    await assert.rejects(badReply, code('INTERNAL'))
    port1.close()
  })

  it('flushes what was told right before a thread ends', async () => {
    const { port1, port2 } = new MessageChannel()
    const heard = new Promise((resolve) => port1.once('message', resolve))
    const tellBatched = serveRpc<Commands, Events>(port2, {} as Commands, { batched: true })
    tellBatched('tick', { n: 1 })
    tellBatched.flush()
    port2.close()
    assert.deepEqual(await heard, { ev: 'tick', d: { n: 1 } })
  })
})
