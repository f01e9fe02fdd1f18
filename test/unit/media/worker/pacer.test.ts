import assert from 'node:assert/strict'
import type { Clock } from '../../../../src/base/clock.js'
import { INTERVALS_MS, type Paced, Pacer } from '../../../../src/media/worker/pacer.js'
import { FakeClock } from '../../../support/fake-clock.js'

/** A clock whose thread can be held up: time goes on, timers wait. */
class StallingClock implements Clock {
  readonly #fake = new FakeClock()
  #stalledMs = 0
  now = () => this.#fake.now() + this.#stalledMs
  wall = () => this.#fake.wall() + this.#stalledMs
  setTimeout = (run: () => void, ms: number) => this.#fake.setTimeout(run, ms)
  advance = (ms: number) => this.#fake.advance(ms)
  stall(ms: number): void {
    this.#stalledMs += ms
  }
  get pending(): number {
    return this.#fake.pending
  }
}

class Recorded implements Paced {
  readonly ticks: { atMs: number; lateMs: number }[] = []
  skipped = 0
  onTick: () => void = () => undefined
  tick(nowMs: number, lateMs: number): void {
    this.ticks.push({ atMs: nowMs, lateMs })
    this.onTick()
  }
  skip(intervals: number): void {
    this.skipped += intervals
  }
}

describe('pacer', () => {
  let clock: StallingClock
  let pacer: Pacer

  beforeEach(() => {
    clock = new StallingClock()
    pacer = new Pacer({ clock })
  })

  for (const intervalMs of INTERVALS_MS) {
    it(`steps every ${intervalMs} ms, on time`, () => {
      const paced = new Recorded()
      pacer.add(paced, intervalMs)
      clock.advance(1200)
      const steps = paced.ticks.map((t, i) => t.atMs - (paced.ticks[i - 1]?.atMs ?? t.atMs))
      assert.equal(paced.ticks.length, 1200 / intervalMs)
      assert.ok(steps.slice(1).every((ms) => ms === intervalMs))
    })
  }

  it('does not drift where every timer fires late', () => {
    const paced = new Recorded()
    pacer.add(paced, 20)
    for (let i = 0; i < 1000; i++) {
      clock.stall(1.7)
      clock.advance(3.3)
    }
    const late = paced.ticks.map(({ lateMs }) => lateMs)
    assert.equal(paced.ticks.length, 250)
    assert.equal(paced.skipped, 0)
    assert.ok(Math.max(...late) < 10, `late by ${Math.max(...late)}`)
  })

  it('spreads calls over its slots', () => {
    const all = Array.from({ length: 8 }, () => new Recorded())
    for (const paced of all) pacer.add(paced, 20)
    clock.advance(20)
    const times = all.map((paced) => paced.ticks[0]?.atMs)
    for (const atMs of new Set(times)) assert.equal(times.filter((t) => t === atMs).length, 2)
    assert.equal(new Set(times).size, 4)
  })

  it('after a stall each call is stepped once, the rest is skipped and nothing comes in a burst', () => {
    const all = [new Recorded(), new Recorded(), new Recorded(), new Recorded()]
    for (const paced of all) pacer.add(paced, 20)
    clock.advance(100)
    clock.stall(500)
    clock.advance(5)
    for (const { ticks, skipped } of all) {
      const after = ticks.filter(({ atMs }) => atMs > 100)
      assert.equal(after.length, 1)
      assert.ok((after[0]?.lateMs ?? 99) < 20)
      assert.ok(skipped >= 24 && skipped <= 25, `${skipped} skipped`)
    }
    assert.ok(pacer.maxLateMs >= 495)
  })

  it('a hold-up of less than 60 ms makes packets late, and none is left out', () => {
    const paced = new Recorded()
    pacer.add(paced, 20)
    clock.advance(100)
    clock.stall(50)
    clock.advance(90)
    assert.equal(paced.skipped, 0)
    assert.equal(paced.ticks.length, 12)
    assert.ok(Math.max(...paced.ticks.map(({ lateMs }) => lateMs)) < 60)
  })

  it('time that was slept through is all accounted for, also hours of it', () => {
    const all = INTERVALS_MS.map((intervalMs) => ({ intervalMs, paced: new Recorded() }))
    for (const { paced, intervalMs } of all) pacer.add(paced, intervalMs)
    clock.advance(120)
    clock.stall(3_600_000)
    clock.advance(120)
    for (const { intervalMs, paced } of all) {
      assert.equal(paced.ticks.length + paced.skipped, 3_600_240 / intervalMs, `${intervalMs} ms`)
    }
  })

  it('what takes itself out, or another interval, does not disturb the others', () => {
    const [first, second, third] = [new Recorded(), new Recorded(), new Recorded()]
    const removals = [first, second, third].map((paced) => pacer.add(paced, 10))
    const remove = removals[2]
    third.onTick = () => remove?.()
    clock.advance(100)
    assert.deepEqual([first.ticks.length, second.ticks.length, third.ticks.length], [10, 10, 1])
    remove?.()
    clock.advance(100)
    assert.equal(first.ticks.length, 20)
  })

  it('has no timer without calls', () => {
    const remove = pacer.add(new Recorded(), 20)
    clock.advance(50)
    assert.equal(clock.pending, 1)
    remove()
    assert.equal(clock.pending, 0)
  })
})
