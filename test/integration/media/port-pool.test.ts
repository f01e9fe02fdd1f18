import assert from 'node:assert/strict'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import type { PortPair } from '../../../src/media/worker/port-pair.js'
import { PortPool } from '../../../src/media/worker/port-pool.js'
import { FakeClock } from '../../support/fake-clock.js'
import { until } from '../../support/wait.js'

/** Three pairs: 41000, 41002, 41004. */
const RANGE = { address: '127.0.0.1', portMin: 41_000, portMax: 41_005 }
/** After a call a pair must be silent for this long. */
const REST_MS = 1250
/** Surplus pairs are closed at the second trim after the last use. */
const TRIM_MS = 5000

describe('RTP ports', () => {
  let clock: FakeClock
  let pool: PortPool
  let recalled: number[]
  const pools: PortPool[] = []
  const sockets: Socket[] = []

  const start = (random: (below: number) => number = () => 0, init?: { maxIdle: number }): PortPool => {
    const started = new PortPool({ clock, random, recall: (_range, keep) => recalled.push(keep) }, init)
    pools.push(started)
    return started
  }
  beforeEach(() => {
    clock = new FakeClock()
    recalled = []
    pool = start()
  })
  afterEach(async () => {
    await Promise.all(used.splice(0).map((pair) => pair.close()))
    await Promise.all(pools.splice(0).map((one) => one.close()))
    for (const socket of sockets.splice(0)) socket.close()
  })

  const used: PortPair[] = []
  const take = async (from = pool, range = RANGE): Promise<PortPair> => {
    const pair = await from.take(range)
    used.push(pair)
    return pair
  }
  const release = (pair: PortPair, to = pool): void => {
    used.splice(used.indexOf(pair), 1)
    to.release(pair)
  }
  const isFree = async (port: number): Promise<boolean> => {
    const socket = createSocket('udp4')
    const listening = once(socket, 'listening')
    socket.bind({ port, address: RANGE.address, exclusive: true })
    const free = await listening.then(
      () => true,
      () => false,
    )
    socket.close()
    return free
  }
  const becomesFree = (port: number) => until(() => isFree(port), `port ${port} is free`)
  const sender = async (): Promise<Socket> => {
    const socket = createSocket('udp4')
    sockets.push(socket)
    socket.bind(0, RANGE.address)
    await once(socket, 'listening')
    return socket
  }

  it('begin anywhere in the range: the first cannot be guessed', async () => {
    const found: number[] = []
    for (const at of [0, 1, 2]) {
      const other = start((below) => (below === 3 ? at : 0))
      const pair = await take(other)
      found.push(pair.port)
      release(pair, other)
      await other.close()
    }
    assert.deepEqual(found, [41_000, 41_002, 41_004])
  })

  it('stay bound after a call, and after a rest serve the next one', async () => {
    const pair = await take()
    release(pair)
    assert.equal(await isFree(pair.port), false)
    assert.notEqual((await take()).port, pair.port, 'it rests')
    clock.advance(REST_MS)
    assert.equal(await take(), pair)
  })

  it('rest until nothing has come for a while; the one that was silent the longest is taken before an error', async () => {
    const [first, second, third] = [await take(), await take(), await take()]
    const peer = await sender()
    release(first)
    release(second)
    clock.advance(REST_MS - 250)
    const before = first.straysHeard
    peer.send('late', first.port, RANGE.address)
    await until(() => first.straysHeard > before, 'the late packet')
    clock.advance(250)
    // `second` is ready, `first` has been silent only for a moment.
    assert.equal(await take(), second)
    assert.equal(await take(), first)
    await assert.rejects(pool.take(RANGE), { code: 'NO_PORTS' })
    assert.equal(third.port, 41_004)
  })

  it('are closed when calls need fewer: a peak first, all after a minute without a call', async () => {
    const range = { ...RANGE, portMax: 41_031 }
    const { ports, wanted } = await pool.lease(range, 0)
    assert.deepEqual([ports.length, wanted], [4, 4])
    const peak = await Promise.all(Array.from({ length: 8 }, () => take(pool, range)))
    for (const pair of peak) release(pair)
    clock.advance(2 * TRIM_MS)
    for (const pair of peak) await becomesFree(pair.port)
    assert.deepEqual(recalled, [])
    for (const port of ports) assert.equal(await isFree(port), false, 'leased')
    clock.advance(60_000)
    assert.equal(recalled[0], 0)
    pool.giveBack(range, ports)
    clock.advance(2 * TRIM_MS)
    for (const port of ports) await becomesFree(port)
    clock.advance(TRIM_MS)
    assert.equal(clock.pending, 0, 'no timer of a pool without pairs')
  })

  it('that calls need stay bound at a steady rate', async () => {
    const pair = await take()
    release(pair)
    for (let n = 0; n < 30; n++) {
      clock.advance(2000)
      const again = await take()
      assert.equal(again, pair)
      release(again)
    }
  })

  it('at a higher rate more leases are given out, and recalled later', async () => {
    const range = { ...RANGE, portMax: 42_999 }
    const pairs = await Promise.all(Array.from({ length: 200 }, () => take(pool, range)))
    for (const pair of pairs) release(pair)
    const { ports, wanted } = await pool.lease(range, 0)
    // 200 calls in 5 s; a quarter of a second of them.
    assert.deepEqual([ports.length, wanted], [10, 10])
    clock.advance(2 * TRIM_MS)
    assert.equal(recalled[0], 4)
  })

  it('at the limit of idle pairs another one is closed', async () => {
    const few = start(() => 0, { maxIdle: 2 })
    const three = [await take(few), await take(few), await take(few)]
    for (const pair of three) release(pair, few)
    await becomesFree(three[0]?.port ?? 0)
    assert.deepEqual([await isFree(41_002), await isFree(41_004)], [false, false])
  })
})
