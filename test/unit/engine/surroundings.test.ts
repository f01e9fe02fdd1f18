import assert from 'node:assert/strict'
import { Surroundings } from '../../../src/engine/surroundings.js'
import { FakeClock } from '../../support/fake-clock.js'

function setUp() {
  const clock = new FakeClock()
  const told: string[] = []
  let addresses = ['192.0.2.1', '127.0.0.1']
  const surroundings = new Surroundings({
    clock,
    addresses: () => addresses,
    moved: (now) => told.push(now.join(' ')),
    slept: () => told.push('slept'),
  })
  const have = (...now: string[]) => {
    addresses = now
  }
  return { clock, told, have, surroundings }
}

describe('surroundings', () => {
  it('tells addresses that come and go, once, and not their order', () => {
    const { clock, told, have } = setUp()
    clock.advance(10_000)
    have('127.0.0.1', '192.0.2.1')
    clock.advance(10_000)
    assert.deepEqual(told, [])
    have('127.0.0.1')
    clock.advance(10_000)
    have('127.0.0.1', '192.0.2.1')
    clock.advance(2_000)
    assert.deepEqual(told, ['127.0.0.1', '127.0.0.1 192.0.2.1'])
  })

  it('tells a sleep by the clock that went on; a thread held up, a clock set back or little by little is none', () => {
    const { clock, told } = setUp()
    clock.stall(40_000)
    clock.setWall(-86_400_000)
    clock.advance(2_000)
    for (let n = 0; n < 10; n++) {
      clock.setWall(5_000)
      clock.advance(2_000)
    }
    assert.deepEqual(told, [])
    clock.setWall(30_000)
    clock.advance(2_000)
    clock.advance(20_000)
    assert.deepEqual(told, ['slept'])
  })

  it('leaves no timer', () => {
    const { clock, surroundings } = setUp()
    surroundings.close()
    assert.equal(clock.pending, 0)
  })
})
