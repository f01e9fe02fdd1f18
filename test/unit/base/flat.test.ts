import assert from 'node:assert/strict'
import { flat } from '../../../src/base/flat.js'
import { holdings } from '../../support/process-handles.js'

describe('flat text', () => {
  it('is the same text', () => {
    for (const text of ['', '12', 'abc', 'ü☎', '\udc80', 'x'.repeat(1_000)]) assert.equal(flat(text), text)
  })

  it('does not keep the text of which it was a part', async () => {
    const parts: string[] = []
    const before = await holdings()
    for (let n = 0; n < 300; n++) {
      const datagram = Buffer.alloc(60_000, `${n} `).toString('latin1')
      parts.push(flat(`${datagram.slice(0, 20)} ${datagram.slice(100, 120)}`))
    }
    const after = await holdings()
    const perPart = (after.heapOctets - before.heapOctets) / parts.length
    assert.ok(perPart < 20_000, `${perPart} octets for each text of 41 characters`)
  })
})
