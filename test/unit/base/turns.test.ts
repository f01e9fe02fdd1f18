import assert from 'node:assert/strict'
import { type Deferred, deferred } from '../../../src/base/deferred.js'
import { Turns } from '../../../src/base/turns.js'
import { turn as settled } from '../../support/memory-wire.js'

describe('turns', () => {
  it('run a few tasks at once, the others in their order, and refuse more than a limit', async () => {
    const turns = new Turns({ atOnce: 2, waiting: 3 })
    const started: { index: number; end: Deferred<number> }[] = []
    const run = (index: number) =>
      turns.run(() => {
        const end = deferred<number>()
        started.push({ index, end })
        return end.promise
      })
    const results = Array.from({ length: 5 }, (_, index) => run(index))
    await assert.rejects(run(5), { code: 'TRANSPORT', message: /more than 3 names wait/ })
    const fails = assert.rejects(results[1] as Promise<number>, /1 fails/)
    for (let done = 0; done < 5; done++) {
      await settled()
      assert.deepEqual(
        started.map(({ index }) => index),
        [0, 1, 2, 3, 4].slice(0, done + 2),
      )
      if (done === 1) started[done]?.end.reject(new Error('1 fails'))
      else started[done]?.end.resolve(done)
    }
    await fails
    assert.deepEqual(await Promise.all([0, 2, 3, 4].map((index) => results[index])), [0, 2, 3, 4])
    const later = run(6)
    await settled()
    started[5]?.end.resolve(6)
    assert.equal(await later, 6)
  })
})
