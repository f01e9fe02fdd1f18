import assert from 'node:assert/strict'
import { decode, encode, g711, PCMA, PCMU, transcodingTable } from '../../../../src/media/codec/g711.js'

const octets = Uint8Array.from({ length: 256 }, (_, i) => i)
const samples = Int16Array.from({ length: 65536 }, (_, i) => i - 32768)

describe('G.711', () => {
  for (const codec of [PCMA, PCMU]) {
    describe(codec.name, () => {
      it('every octet comes back from its sample', () => {
        for (const octet of octets) {
          // mu-law has two zeros; -0 comes back as +0.
          if (codec === PCMU && octet === 0x7f) continue
          assert.equal(codec.toCoded[(codec.toLinear[octet] ?? 0) & 0xffff], octet)
        }
      })

      it('no sample is further off than half of its step', () => {
        const [least, most] = [Math.min(...codec.toLinear), Math.max(...codec.toLinear)]
        for (const sample of samples) {
          const back = codec.toLinear[codec.toCoded[sample & 0xffff] ?? 0] ?? 0
          const inRange = Math.max(least, Math.min(most, sample))
          // Sixteen steps to a segment, each segment as long as all below it: half a step is a 32nd of where it starts.
          const half = codec === PCMA ? Math.max(8, Math.abs(inRange) / 32) : (Math.abs(inRange) + 132) / 32
          assert.ok(Math.abs(back - inRange) <= half, `${sample} became ${back}`)
        }
      })

      it('larger samples never decode to smaller ones', () => {
        let before = -40_000
        for (const sample of samples) {
          const back = codec.toLinear[codec.toCoded[sample & 0xffff] ?? 0] ?? 0
          assert.ok(back >= before)
          before = back
        }
      })
    })
  }

  it('known points of the recommendation: silence, full scale', () => {
    const coded = (codec: typeof PCMA, sample: number) => codec.toCoded[sample & 0xffff]
    assert.deepEqual([coded(PCMA, 0), coded(PCMA, 32767), coded(PCMA, -32768)], [0xd5, 0xaa, 0x2a])
    assert.deepEqual([coded(PCMU, 0), coded(PCMU, 32767), coded(PCMU, -32768)], [0xff, 0x80, 0x00])
    assert.deepEqual([PCMA.toLinear[0xaa], PCMU.toLinear[0x80]], [32256, 32124])
    assert.equal(PCMA.silence, coded(PCMA, 0))
    assert.equal(PCMU.silence, coded(PCMU, 0))
  })

  it('frames are coded at the place given', () => {
    const packet = new Uint8Array(6).fill(1)
    encode(g711('PCMA'), Int16Array.from([0, 32767]), packet, 2)
    assert.deepEqual([...packet], [1, 1, 0xd5, 0xaa, 1, 1])
    const frame = new Int16Array(4)
    decode(g711('PCMA'), packet, 2, frame, 1, 2)
    assert.deepEqual([...frame], [0, 8, 32256, 0])
  })

  it('one law becomes the other within their steps', () => {
    const table = transcodingTable(PCMA, PCMU)
    for (const octet of octets) {
      const a = PCMA.toLinear[octet] ?? 0
      const mu = PCMU.toLinear[table[octet] ?? 0] ?? 0
      assert.ok(Math.abs(a - mu) <= Math.max(8, Math.abs(a) / 31), `${a} became ${mu}`)
    }
  })
})
