import assert from 'node:assert/strict'
import { type PortPair, PortPairs } from '../../../src/media/worker/socket.js'
import { FakeClock } from '../../support/fake-clock.js'

const LOOPBACK = '127.0.0.1'
/** Three pairs: 41000, 41002, 41004. */
const [MIN, MAX] = [41_000, 41_005]

describe('RTP ports', () => {
  let clock: FakeClock
  const open: PortPair[] = []

  beforeEach(() => {
    clock = new FakeClock()
  })
  afterEach(async () => {
    const pairs = new PortPairs({ clock, random: () => 0 })
    await Promise.all(open.splice(0).map((pair) => pairs.release(pair)))
  })

  const bind = async (pairs: PortPairs): Promise<PortPair> => {
    const pair = await pairs.bind(LOOPBACK, MIN, MAX)
    open.push(pair)
    return pair
  }
  const release = (pairs: PortPairs, pair: PortPair): Promise<void> => {
    open.splice(open.indexOf(pair), 1)
    return pairs.release(pair)
  }

  it('begin anywhere in the range: the first cannot be guessed', async () => {
    const found: number[] = []
    for (const at of [0, 1, 2]) {
      const pairs = new PortPairs({ clock, random: (below) => (below === 3 ? at : -1) })
      const pair = await bind(pairs)
      found.push(pair.port)
      await release(pairs, pair)
    }
    assert.deepEqual(found, [41_000, 41_002, 41_004])
  })

  it('rest for 3 s, in which packets of the old call may still come, while others are free', async () => {
    const pairs = new PortPairs({ clock, random: () => 0 })
    const [first, second, third] = [await bind(pairs), await bind(pairs), await bind(pairs)]
    await release(pairs, second)
    clock.advance(3_000)
    await release(pairs, first)
    // The ring continues at `first`, which was released just now.
    const next = await bind(pairs)
    assert.equal(next.port, second.port)
    // No other pair is free: a resting pair is better than an error.
    assert.equal((await bind(pairs)).port, first.port)
    await assert.rejects(pairs.bind(LOOPBACK, MIN, MAX), { code: 'NO_PORTS' })
    assert.equal(third.port, 41_004)
  })
})
