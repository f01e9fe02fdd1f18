import assert from 'node:assert/strict'
import { deferred } from '../../../../src/base/deferred.js'
import { cached } from '../../../../src/sip/transport/resolver.js'
import { FakeClock } from '../../../support/fake-clock.js'

describe('answers of the resolver', () => {
  let clock: FakeClock
  let asked: string[]
  /** What the next question gets. */
  let answer: () => Promise<string>

  beforeEach(() => {
    clock = new FakeClock()
    asked = []
    answer = async () => '192.0.2.1'
  })

  const resolver = () =>
    cached((host, family) => {
      asked.push(`${host}/${family}`)
      return answer()
    }, clock)

  it('are kept for 30 s, for each name in either case and for each family', async () => {
    const resolve = resolver()
    assert.equal(await resolve('sip.example.com', 4), '192.0.2.1')
    await resolve('SIP.example.com', 4)
    await resolve('sip.example.com', 6)
    assert.deepEqual(asked, ['sip.example.com/4', 'sip.example.com/6'])
    clock.advance(29_999)
    answer = async () => '192.0.2.2'
    assert.equal(await resolve('sip.example.com', 4), '192.0.2.1')
    clock.advance(1)
    assert.equal(await resolve('sip.example.com', 4), '192.0.2.2')
  })

  it('that are failures are kept for 2 s', async () => {
    const resolve = resolver()
    answer = () => Promise.reject(new Error('not found'))
    await assert.rejects(resolve('a.example.com', 4), /not found/)
    answer = async () => '192.0.2.1'
    clock.advance(1_999)
    await assert.rejects(resolve('a.example.com', 4), /not found/)
    clock.advance(1)
    assert.equal(await resolve('a.example.com', 4), '192.0.2.1')
    assert.equal(asked.length, 2)
  })

  it('that have not come yet are shared by all who ask, however long they take', async () => {
    const resolve = resolver()
    const slow = deferred<string>()
    answer = () => slow.promise
    const first = resolve('slow.example.com', 4)
    clock.advance(60_000)
    const second = resolve('slow.example.com', 4)
    slow.resolve('192.0.2.9')
    assert.deepEqual(await Promise.all([first, second]), ['192.0.2.9', '192.0.2.9'])
    await resolve('slow.example.com', 4)
    assert.equal(asked.length, 1)
  })

  it('that fail, or do not come within 1 s, leave the last address in use, for an hour (RFC 8767)', async () => {
    const resolve = resolver()
    await resolve('a.example.com', 4)
    clock.advance(30_000)
    answer = () => Promise.reject(new Error('server failure'))
    assert.equal(await resolve('a.example.com', 4), '192.0.2.1')
    clock.advance(2_000)
    const slow = deferred<string>()
    answer = () => slow.promise
    const impatient = resolve('a.example.com', 4)
    clock.advance(1_000)
    assert.equal(await impatient, '192.0.2.1')
    assert.equal(await resolve('a.example.com', 4), '192.0.2.1')
    slow.resolve('192.0.2.2')
    await slow.promise
    assert.equal(await resolve('a.example.com', 4), '192.0.2.2')
    assert.deepEqual([asked.length, clock.pending], [3, 0])
    clock.advance(3_600_000)
    answer = () => Promise.reject(new Error('server failure'))
    await assert.rejects(resolve('a.example.com', 4), /server failure/)
  })

  it('are kept for 1,000 names at most: the oldest answer goes first', async () => {
    const resolve = resolver()
    for (let n = 0; n <= 1_000; n++) await resolve(`host${n}.example.com`, 4)
    await resolve('host1.example.com', 4)
    assert.equal(asked.length, 1_001)
    await resolve('host0.example.com', 4)
    assert.equal(asked.length, 1_002)
  })
})
