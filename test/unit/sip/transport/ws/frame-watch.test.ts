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
  octets: fc.oneof(fc.integer({ min: 0, max: 5 }), fc.constantFrom(125, 126, 127, 300)),
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

/** Gives the stream in pieces, and compares after each. */
function follow(frames: readonly Frame[], sizeOf: (piece: number) => number): void {
  const stream = Buffer.concat(frames.map(written))
  const watch = new FrameWatch()
  for (let at = 0, piece = 0; at < stream.length; piece++) {
    const before = stateAt(frames, at)
    const octets = Math.min(stream.length - at, sizeOf(piece))
    const hasMessage = watch.push(stream.subarray(at, at + octets))
    at += octets
    const after = stateAt(frames, at)
    assert.deepEqual([hasMessage, watch.isPartial], [after.messages > before.messages, after.isPartial])
  }
}

describe('FrameWatch', () => {
  it('knows after each piece whether a message is incomplete, however the stream is cut', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1 })
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 6 }), sizes, (frames, pieces) =>
        follow(frames, (piece) => pieces[piece % pieces.length] ?? 1),
      ),
    )
  })

  it('knows it of frames with a length of 16 and of 64 bits', () => {
    const long = { isControl: false, fin: true, masked: true }
    for (const size of [1_000, 65_537])
      follow(
        [65_535, 65_536].map((octets) => ({ ...long, octets })),
        () => size,
      )
  })
})
