import assert from 'node:assert/strict'
import { TraceRecorder } from '../../../src/trace/recorder.js'
import { ALICE_RTP, BOB_RTP, request, rtp, traced, usualCall } from '../../support/trace-texts.js'

describe('trace recorder', () => {
  it('gives the messages of one Call-ID or all of them', () => {
    const recorder = new TraceRecorder()
    const others = traced([['>', request('OPTIONS', { callId: 'other' })]])
    for (const message of [...usualCall(), ...others]) recorder.message(message)
    assert.equal(recorder.messages().length, 7)
    assert.deepEqual(
      recorder.messages('other').map(({ text }) => text),
      others.map(({ text }) => text),
    )
    recorder.clear()
    assert.deepEqual(recorder.messages(), [])
  })

  it('is bounded in number: the oldest messages go', () => {
    const recorder = new TraceRecorder({ messages: 100 })
    for (let i = 0; i < 5_000; i++) {
      for (const message of traced([['>', request('OPTIONS', { callId: `c${i}` })]])) recorder.message(message)
    }
    assert.equal(recorder.messages().length, 100)
    assert.equal(recorder.messages('c4900').length, 1)
    assert.equal(recorder.messages('c4899').length, 0)
  })

  it('is bounded in octets', () => {
    const recorder = new TraceRecorder({ messageOctets: 100_000, packetOctets: 10_000 })
    for (let i = 0; i < 100; i++) {
      for (const message of traced([['>', request('MESSAGE', { body: 'x'.repeat(10_000) })]])) recorder.message(message)
    }
    const octets = recorder.messages().reduce((sum, { text }) => sum + text.length, 0)
    assert.ok(octets > 80_000 && octets <= 100_000, String(octets))
    for (const packet of rtp(ALICE_RTP, BOB_RTP, 100)) recorder.packet('call', packet)
    assert.equal(recorder.packets('call').length, Math.floor(10_000 / (172 + 200)))
    assert.deepEqual(recorder.packets('other'), [])
  })

  it('one message that is larger than the limit is not kept', () => {
    const recorder = new TraceRecorder({ messageOctets: 1_000 })
    for (const message of traced([['>', request('MESSAGE', { body: 'x'.repeat(10_000) })]])) recorder.message(message)
    assert.deepEqual(recorder.messages(), [])
  })
})
