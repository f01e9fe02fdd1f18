import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { RpcClient } from '../../../src/base/rpc.js'
import type { EngineCommands, EngineEvents } from '../../../src/engine/protocol.js'
import { engineInit } from '../../support/engine-pair.js'

const HOST = new URL('../../../src/engine/host.js', import.meta.url)

describe('faults in the engine’s thread', () => {
  let worker: Worker
  let client: RpcClient<EngineCommands, EngineEvents>
  let lines: string[]
  let heard: () => void

  beforeEach(async () => {
    lines = []
    heard = () => {}
    worker = new Worker(HOST, { workerData: engineInit({ logLevel: 'error' }) })
    const up = new Promise<void>((resolve) => {
      client = new RpcClient(worker, (name, data) => {
        if (name === 'engine') resolve()
        if (name === 'log') lines.push((data as EngineEvents['log']).line)
        heard()
      })
    })
    await up
  })

  afterEach(() => worker.terminate())

  /** No handler catches this: it is not a message of the RPC. */
  const fault = () => worker.postMessage(null)

  it('are told in the log, and the engine goes on', async () => {
    const logged = new Promise<void>((resolve) => {
      heard = resolve
    })
    fault()
    await logged
    assert.match(lines[0] ?? '', /an uncaught fault/)
    assert.deepEqual(await client.call('calls', null), [])
  })

  it('end it when there are too many, so that a fresh one can start', async () => {
    const exited = once(worker, 'exit')
    for (let n = 0; n < 30; n++) fault()
    assert.deepEqual(await exited, [1])
  })
})
