import assert from 'node:assert/strict'
import { type Limits, SourceLimits } from '../../../../src/sip/admission/source-limits.js'
import { FakeClock } from '../../../support/fake-clock.js'

const make = (limits: Partial<Limits> = {}) => {
  const clock = new FakeClock()
  return { clock, limits: new SourceLimits(clock, limits) }
}
const address = (n: number) => `10.0.${n >> 8}.${n & 255}`

describe('limits by source', () => {
  it('gives one source the whole rate, and many an equal share of it', () => {
    const { clock, limits } = make({ requestsPerSecond: 1_000, leastPerSecond: 10 })
    const takenOf = (sources: number, perSource: number): number => {
      let taken = 0
      for (let ms = 0; ms < 1_000; ms += 10) {
        clock.advance(10)
        for (let n = 0; n < (sources * perSource) / 100; n++) {
          if (limits.request(address(n % sources)) === 'take') taken++
        }
      }
      return taken
    }
    takenOf(1, 100)
    assert.equal(takenOf(1, 1_000), 1_000)
    takenOf(50, 2_000)
    const flood = takenOf(50, 2_000)
    assert.ok(flood >= 990 && flood <= 1_010, `${flood}`)
  })

  it('tells a source that it is too much once a second, and is silent otherwise', () => {
    const { clock, limits } = make({ requestsPerSecond: 10, leastPerSecond: 10 })
    const heard = () => Array.from({ length: 30 }, () => limits.request('10.0.0.1'))
    const count = (what: string) => heard().filter((each) => each === what).length
    assert.equal(heard().filter((each) => each === 'take').length, 10)
    assert.equal(count('tell'), 0)
    clock.advance(999)
    assert.equal(count('tell'), 0)
    clock.advance(1)
    assert.equal(count('tell'), 1)
  })

  it('leaves each source the least, and forgets those that are silent', () => {
    const { clock, limits } = make({ requestsPerSecond: 100, leastPerSecond: 5 })
    for (let n = 0; n < 1_000; n++) limits.request(address(n))
    clock.advance(1_000)
    assert.deepEqual(
      Array.from({ length: 6 }, () => limits.request(address(1))),
      ['take', 'take', 'take', 'take', 'take', 'tell'],
    )
    clock.advance(6_000)
    limits.request('10.9.9.9')
    clock.advance(1_000)
    assert.equal(
      Array.from({ length: 100 }, () => limits.request('10.9.9.9')).filter((each) => each === 'take').length,
      100,
    )
  })

  it('takes a burst of a hundred from a source that is new, and no more in all than the rate from ever new ones', () => {
    const { limits, clock } = make()
    for (let n = 0; n < 100; n++) assert.equal(limits.request('10.0.0.1'), 'take')
    let taken = 0
    for (let ms = 0; ms < 2_000; ms++) {
      clock.advance(1)
      for (let n = 0; n < 10; n++) if (limits.request(address(ms * 10 + n)) === 'take') taken++
    }
    assert.ok(taken <= 3_000 + 2 * 3_000, `${taken} of 20000`)
  })

  it('lets forged sources share one place where they are too many to tell apart', () => {
    const { limits } = make({ sources: 10, leastPerSecond: 5, requestsPerSecond: 50 })
    const taken = Array.from({ length: 1_000 }, (_, n) => limits.request(address(n))).filter((each) => each === 'take')
    assert.ok(taken.length <= 10 + 5, `${taken.length}`)
  })

  it('bounds half-open calls in all, of unknown sources and of each, and keeps room for known ones', () => {
    const { limits } = make({ halfOpen: 30, halfOpenOfUnknown: 20, leastHalfOpen: 4 })
    const open = (from: string, known = false) => limits.call(from, known)
    for (let n = 0; n < 20; n++) assert.ok(open('10.0.0.1'))
    assert.equal(open('10.0.0.1'), undefined)
    assert.equal(open('10.0.0.2'), undefined)
    const places = Array.from({ length: 10 }, () => open('192.0.2.1', true))
    assert.equal(open('192.0.2.1', true), undefined)
    places[0]?.established()
    places[0]?.established()
    assert.ok(open('192.0.2.1', true))
    assert.equal(open('192.0.2.1', true), undefined)
    places[0]?.ended()
    assert.equal(open('192.0.2.1', true), undefined)
    assert.equal(limits.halfOpen, 30)
  })

  it('gives each of many sources its share of the half-open calls', () => {
    const { limits } = make({ halfOpenOfUnknown: 100, leastHalfOpen: 2 })
    for (let n = 0; n < 20; n++) limits.request(address(n))
    const taken = Array.from({ length: 50 }, () => limits.call(address(3), false)).filter(Boolean)
    assert.equal(taken.length, 5)
  })

  it('counts the calls of an unknown source to their end, also while it is silent', () => {
    const { clock, limits } = make({ callsPerSource: 2 })
    const places = [limits.call('10.0.0.1', false), limits.call('10.0.0.1', false)]
    for (const place of places) place?.established()
    clock.advance(60_000)
    limits.request('10.0.0.2')
    assert.equal(limits.call('10.0.0.1', false), undefined)
    places[0]?.ended()
    places[0]?.ended()
    assert.ok(limits.call('10.0.0.1', false))
    assert.equal(limits.call('10.0.0.1', false), undefined)
  })

  it('takes a whole IPv6 network for one source', () => {
    const { limits } = make({ callsPerSource: 2 })
    for (const host of ['2001:db8:0:1::1', '2001:db8:0:1:ffff::2']) assert.ok(limits.call(host, false))
    assert.equal(limits.call('2001:db8:0:1::3', false), undefined)
    for (const other of ['2001:db8:0:2::1', '2001:db8::1', '::1', 'fe80::1']) assert.ok(limits.call(other, false))
  })
})
