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

describe('FrameWatch', () => {
  it('knows after each octet whether a message is incomplete, however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 6 }), fc.array(fc.nat(40), { minLength: 1 }), (frames, sizes) => {
        const stream = Buffer.concat(frames.map(written))
        const ends = new Map<number, Frame>()
        let end = 0
        for (const each of frames) ends.set((end += written(each).length), each)
        const watch = new FrameWatch()
        let isOpen = false
        for (let at = 0, cut = 0; at < stream.length; cut++) {
          const size = (sizes[cut % sizes.length] ?? 0) ** 3 + 1
          const chunk = stream.subarray(at, at + size)
          let completes = false
          for (let octet = at + 1; octet <= at + chunk.length; octet++) {
            const ended = ends.get(octet)
            if (!ended || ended.isControl) continue
            isOpen = !ended.fin
            completes ||= ended.fin
          }
          at += chunk.length
          assert.equal(watch.push(chunk), completes)
          const inFrame = !ends.has(at)
          if (inFrame || isOpen) assert.equal(watch.isPartial, true, `at ${at}`)
          else assert.equal(watch.isPartial, false, `at ${at}`)
        }
      }),
      { numRuns: 100 },
    )
  })
})
