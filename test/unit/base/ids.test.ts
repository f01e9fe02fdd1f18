import assert from 'node:assert/strict'
import { newId, newSipCallId, newToken } from '../../../src/base/ids.js'

describe('ids', () => {
  it('makes ids of calls as UUIDs of version 7 that sort as they were made, no two alike', () => {
    const ids = Array.from({ length: 20_000 }, newId)
    for (const id of ids) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    assert.deepEqual([...ids].sort(), ids)
    assert.equal(new Set(ids).size, ids.length)
    assert.ok(Math.abs(Number.parseInt((ids.at(-1) ?? '').replace('-', '').slice(0, 12), 16) - Date.now()) < 60_000)
  })

  it('makes Call-IDs as `UUID@host`: FRITZ!Box and others expect them so', () => {
    const made = [newSipCallId('192.0.2.1'), newSipCallId('192.0.2.1')]
    for (const id of made) assert.match(id, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}@192\.0\.2\.1$/)
    assert.notEqual(made[0], made[1])
  })

  it('gives tokens of the length asked for, no two alike, also across refills of the pool of randomness', () => {
    const tokens = Array.from({ length: 3000 }, () => newToken())
    assert.ok(tokens.every((token) => /^[0-9a-f]{16}$/.test(token)))
    assert.equal(new Set(tokens).size, tokens.length)
    assert.match(newToken(3), /^[0-9a-f]{6}$/)
    assert.throws(() => newToken(5000), RangeError)
  })

  it('keep their order if the clock of the machine is set back, and if one millisecond has very many', () => {
    const { now } = Date
    const made: string[] = []
    try {
      for (const ms of [now() + 10_000, now() + 10_000, now(), now() - 3_600_000, now() + 10_000, now() + 20_000]) {
        Date.now = () => ms
        for (let n = 0; n < 100; n++) made.push(newId())
      }
    } finally {
      Date.now = now
    }
    assert.deepEqual(made.toSorted(), made)
    assert.equal(new Set(made).size, made.length)
  })
})
