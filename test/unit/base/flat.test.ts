import assert from 'node:assert/strict'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { flat } from '../../../src/base/flat.js'

const KEPT = 300
const OCTETS = 100_000

describe('a flat text', () => {
  it('is the same text, in any letters and in halves of letters', () => {
    for (const text of ['', 'a', 'z9hG4bK776asdhds', 'Grüße ☎ \u{1f4de} größer', 'octet \udcfc of Latin-1']) {
      assert.equal(flat(text), text)
    }
  })

  it('does not keep the text that it was cut from', () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const kept: string[] = []
    collect()
    const before = process.memoryUsage().heapUsed
    for (let n = 0; n < KEPT; n++) {
      const whole = Buffer.alloc(OCTETS, `${n} `).toString('latin1')
      kept.push(flat(whole.slice(10, 60)))
    }
    collect()
    const octetsEach = (process.memoryUsage().heapUsed - before) / KEPT
    assert.equal(kept.length, KEPT)
    assert.ok(octetsEach < OCTETS / 10, `${octetsEach.toFixed(0)} octets for a text of 50 characters`)
  })
})
