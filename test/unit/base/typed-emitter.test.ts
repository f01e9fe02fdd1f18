import assert from 'node:assert/strict'
import { TypedEmitter } from '../../../src/base/typed-emitter.js'

class Bell extends TypedEmitter<{ rung: [times: number]; broken: [] }> {
  ring = (times: number): boolean => this.emit('rung', times)
  forgetAll = (): void => this.removeAllListeners()
}

describe('typed emitter', () => {
  const bell = new Bell()
  let heard: string[]

  beforeEach(() => {
    bell.forgetAll()
    heard = []
  })

  const note = (name: string) => (times: number) => heard.push(`${name} ${times}`)

  it('calls the listeners of an event in their order, and says whether there was one', () => {
    bell.on('rung', note('a'))
    bell.on('rung', note('b'))
    bell.on('broken', () => heard.push('broken'))
    assert.equal(bell.ring(2), true)
    assert.deepEqual(heard, ['a 2', 'b 2'])
    bell.forgetAll()
    assert.equal(bell.ring(3), false)
    assert.deepEqual(heard, ['a 2', 'b 2'])
  })

  it('removes one listener, even if the same function listens twice', () => {
    const same = note('same')
    const remove = bell.on('rung', same)
    bell.on('rung', same)
    remove()
    remove()
    bell.ring(1)
    assert.deepEqual(heard, ['same 1'])
  })

  it('calls a listener of one event once, and never if it was removed before', () => {
    bell.once('rung', note('once'))
    bell.once('rung', note('never'))()
    bell.ring(1)
    assert.equal(bell.ring(2), false)
    assert.deepEqual(heard, ['once 1'])
  })

  it('lets an event reach the listeners that there were when it was emitted', () => {
    const removes = [
      bell.on('rung', () => {
        for (const remove of removes) remove()
        bell.on('rung', note('new'))
      }),
      bell.on('rung', note('old')),
    ]
    bell.ring(1)
    bell.ring(2)
    assert.deepEqual(heard, ['old 1', 'new 2'])
  })

  it('gives the exception of a listener to the emitting side', () => {
    bell.on('rung', () => {
      throw new Error('broken')
    })
    assert.throws(() => bell.ring(1), /broken/)
  })
})
