import assert from 'node:assert/strict'
import { type Deferred, deferred } from '../../../../src/base/deferred.js'
import { type Answer, AnswerCache } from '../../../../src/sip/dns/answer-cache.js'
import { FakeClock } from '../../../support/fake-clock.js'
import { turn as settled } from '../../../support/memory-wire.js'

describe('answers of DNS', () => {
  let clock: FakeClock
  let asked: { key: string; reply: Deferred<Answer<string>> }[]
  let cache: AnswerCache<string>

  beforeEach(() => {
    clock = new FakeClock()
    asked = []
    const ask = (key: string): Promise<Answer<string>> => {
      const reply = deferred<Answer<string>>()
      asked.push({ key, reply })
      return reply.promise
    }
    cache = new AnswerCache(clock, { ask, failedMs: 2_000, maxKept: 3 })
  })

  /** The reply to the last question. */
  const reply = async (value: string | Error, ttlSec = 60): Promise<void> => {
    const last = asked.at(-1)?.reply
    if (value instanceof Error) last?.reject(value)
    else last?.resolve({ value, ttlMs: ttlSec * 1_000 })
    await settled()
  }
  /** The answer that was there at once; undefined: the caller has to wait. */
  const atOnce = async (key: string): Promise<string | undefined> => {
    let found: string | undefined
    cache.get(key).then(
      (value) => {
        found = value
      },
      (error) => {
        found = error.message
      },
    )
    await settled()
    return found
  }

  it('are kept as long as they say', async () => {
    assert.equal(await atOnce('a'), undefined)
    await reply('one', 60)
    clock.advance(59_999)
    assert.equal(await atOnce('a'), 'one')
    assert.equal(asked.length, 1)
    clock.advance(1)
    void cache.get('a')
    await reply('two')
    assert.equal(await atOnce('a'), 'two')
    assert.deepEqual([asked.length, clock.pending], [2, 0])
  })

  it('are asked for once by all who wait, however long it takes', async () => {
    const first = cache.get('a')
    clock.advance(60_000)
    const second = cache.get('a')
    await reply('one')
    assert.deepEqual(await Promise.all([first, second]), ['one', 'one'])
    assert.equal(asked.length, 1)
  })

  it('that failed are asked for again after a while', async () => {
    const first = cache.get('a')
    first.catch(() => undefined)
    await reply(new Error('no answer'))
    await assert.rejects(first, /no answer/)
    clock.advance(1_999)
    assert.equal(await atOnce('a'), 'no answer')
    assert.equal(asked.length, 1)
    clock.advance(1)
    const again = cache.get('a')
    await reply('one')
    assert.equal(await again, 'one')
  })

  it('that failed and then do not come within 1 s count as failed', async () => {
    void cache.get('a').catch(() => undefined)
    await reply(new Error('no answer'))
    clock.advance(2_000)
    const again = cache.get('a')
    clock.advance(1_000)
    await assert.rejects(again, /no answer/)
    await reply('late')
    assert.equal(await atOnce('a'), 'late')
  })

  it('stay in use for a day while DNS is silent; only the first caller waits for that, 1 s (RFC 8767)', async () => {
    void cache.get('a')
    await reply('old', 60)
    clock.advance(60_000)
    const first = cache.get('a')
    clock.advance(999)
    assert.equal(await Promise.race([first, settled()]), undefined)
    clock.advance(1)
    assert.equal(await first, 'old')
    assert.equal(await atOnce('a'), 'old')
    assert.equal(asked.length, 2)
    await reply(new Error('silence'))
    assert.equal(await atOnce('a'), 'old')
    assert.equal(asked.length, 2, 'DNS is not asked again for 30 s')
    clock.advance(30_000)
    assert.equal(await atOnce('a'), 'old', 'nor does anyone wait for the next question')
    assert.equal(asked.length, 3)
    await reply(new Error('silence'))
    clock.advance(86_400_000)
    const last = cache.get('a')
    await reply(new Error('silence'))
    await assert.rejects(last, /silence/)
  })

  it('stay in use while DNS fails, and are replaced by the next answer', async () => {
    void cache.get('a')
    await reply('old', 60)
    clock.advance(60_000)
    const second = cache.get('a')
    await reply(new Error('server failure'))
    assert.equal(await second, 'old')
    clock.advance(30_000)
    assert.equal(await atOnce('a'), 'old')
    await reply('new')
    assert.equal(await atOnce('a'), 'new')
    clock.advance(60_000)
    assert.equal(await atOnce('a'), undefined, 'DNS works again, so callers wait for it')
  })

  it('are kept for a limited number of names: the oldest goes first', async () => {
    for (const key of ['a', 'b', 'c', 'd']) {
      void cache.get(key)
      await reply(key)
    }
    assert.equal(await atOnce('b'), 'b')
    assert.equal(await atOnce('a'), undefined)
  })
})
