import assert from 'node:assert/strict'
import fc from 'fast-check'
import { FrameWatch } from '../../../../../src/sip/transport/ws/frame-watch.js'

interface Frame {
  isControl: boolean
  fin: boolean
  masked: boolean
  octets: number
}

const frame: fc.Arbitrary<Frame> = fc.record({
  isControl: fc.boolean(),
  fin: fc.boolean(),
  masked: fc.boolean(),
  octets: fc.oneof(fc.integer({ min: 0, max: 130 }), fc.constantFrom(125, 126, 127, 65_535, 65_536)),
})

/** RFC 6455 5.2; the payload is anything. */
function written({ isControl, fin, masked, octets }: Frame): Buffer {
  const first = (fin || isControl ? 0x80 : 0) | (isControl ? 0x9 : 0x1)
  const mask = masked ? 0x80 : 0
  const payload = Buffer.alloc((masked ? 4 : 0) + octets, 0xff)
  if (octets < 126) return Buffer.concat([Buffer.from([first, mask | octets]), payload])
  const length = Buffer.alloc(octets < 65_536 ? 4 : 10)
  length[0] = first
  length[1] = mask | (octets < 65_536 ? 126 : 127)
  if (octets < 65_536) length.writeUInt16BE(octets, 2)
  else length.writeBigUInt64BE(BigInt(octets), 2)
  return Buffer.concat([length, payload])
}

/** How many messages are complete after so many octets, and whether another one, or a control frame, has begun. */
function stateAt(frames: readonly Frame[], octets: number): { messages: number; isPartial: boolean } {
  let messages = 0
  let isOpen = false
  let end = 0
  for (const each of frames) {
    if (octets === end) break
    end += written(each).length
    if (octets < end) return { messages, isPartial: true }
    if (each.isControl) continue
    isOpen = !each.fin
    if (each.fin) messages++
  }
  return { messages, isPartial: isOpen }
}

describe('FrameWatch', () => {
  it('knows after each piece whether a message is incomplete, however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 6 }), fc.array(fc.nat(40), { minLength: 1 }), (frames, cuts) => {
        const stream = Buffer.concat(frames.map(written))
        const watch = new FrameWatch()
        let at = 0
        for (let piece = 0; at < stream.length; piece++) {
          const before = stateAt(frames, at)
          const octets = Math.min(stream.length - at, (cuts[piece % cuts.length] ?? 0) ** 3 + 1)
          const hasMessage = watch.push(stream.subarray(at, at + octets))
          at += octets
          const after = stateAt(frames, at)
          assert.deepEqual([hasMessage, watch.isPartial], [after.messages > before.messages, after.isPartial])
        }
      }),
      { numRuns: 100 },
    )
  })
})
