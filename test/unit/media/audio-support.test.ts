import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findGaps, measureTone, readWav, rmsDbfs, sine, wavBytes, writeWav } from '../../support/audio.js'

describe('test support: measuring audio', () => {
  it('gives a pure tone nearly all of the power at its frequency, and its level', () => {
    for (const hz of [200, 425, 1000, 3100]) {
      const measured = measureTone(sine(hz, 1000, { rmsDbfs: -20 }), hz)
      assert.ok(measured.share > 0.999, `${hz} Hz: share ${measured.share}`)
      assert.ok(Math.abs(measured.rmsDbfs + 20) < 0.1)
      assert.ok(Math.abs(measured.dominantHz - hz) < 8)
    }
  })

  it('gives another frequency next to nothing', () => {
    assert.ok(measureTone(sine(1000, 1000), 1100).share < 0.01)
  })

  it('shares power between two tones, and loses share to noise', () => {
    const both = measureTone(sine([440, 1000], 1000), 440)
    assert.ok(Math.abs(both.share - 0.5) < 0.01)
    let seed = 7
    const noisy = sine(1000, 2000).map((v) => {
      seed = (seed * 1103515245 + 12345) & 0x7fffffff
      return v + ((seed >> 16) % 8000) - 4000
    })
    const { share } = measureTone(noisy, 1000)
    assert.ok(share > 0.5 && share < 0.95, `share ${share}`)
  })

  it('leaves silence around the sound out of level and length', () => {
    const padded = new Int16Array(8000 * 3)
    padded.set(sine(1000, 1000, { rmsDbfs: -15 }), 8000)
    const measured = measureTone(padded, 1000)
    assert.ok(Math.abs(measured.rmsDbfs + 15) < 0.2)
    assert.equal(measured.soundMs, 1000)
  })

  it('finds gaps inside the sound only', () => {
    const padded = new Int16Array(8000 * 3)
    padded.set(sine(1000, 1000), 8000)
    padded.fill(0, 12000, 12160)
    assert.deepEqual(findGaps(padded), [{ atMs: 1500, durationMs: 20 }])
  })

  it('measures nothing in silence', () => {
    assert.equal(measureTone(new Int16Array(8000), 1000).share, 0)
    assert.equal(rmsDbfs(new Int16Array(10)), Number.NEGATIVE_INFINITY)
  })

  it('reads the WAV files it writes', () => {
    const path = join(mkdtempSync(join(tmpdir(), 'ringflow-')), 'a.wav')
    const left = sine(300, 100, { sampleRate: 16000 })
    const right = sine(500, 100, { sampleRate: 16000 })
    writeWav(path, [left, right], 16000)
    assert.deepEqual(readWav(path), { sampleRate: 16000, channels: [left, right] })
    assert.ok(measureTone(path, 300).share > 0.99)
  })

  const plain = wavBytes({ tag: 1, channels: 2, sampleRate: 8000, bits: 16 }, Buffer.alloc(16, 1))
  const lying: [name: string, change: (bytes: Buffer) => Buffer | undefined, says: RegExp][] = [
    ['a data size of 0', (b) => void b.writeUInt32LE(0, 40), /16 octets|chunk/],
    ['a data size beyond the end', (b) => void b.writeUInt32LE(20, 40), /“data” leads 4 octets beyond the end/],
    ['a data size that leaves something', (b) => void b.writeUInt32LE(12, 40), /4 octets after the last chunk/],
    ['a RIFF size of 36', (b) => void b.writeUInt32LE(36, 4), /RIFF size 36 in a file of 60 octets/],
    ['octets behind its RIFF size', (b) => Buffer.concat([b, Buffer.alloc(2)]), /RIFF size 52 in a file of 62 octets/],
    ['half a sample', (b) => Buffer.concat([sized(b, 14).subarray(0, 58)]), /14 octets are not whole samples/],
    ['blocks of another size', (b) => void b.writeUInt16LE(2, 32), /blocks of 2 octets/],
    ['another rate of octets', (b) => void b.writeUInt32LE(16_000, 28), /16000 octets in a second/],
    ['a short format', (b) => Buffer.concat([b.subarray(0, 16), Buffer.alloc(4), b.subarray(36)]), /RIFF size/],
    ['8 bit', (b) => void b.writeUInt16LE(8, 34), /8 bit/],
    ['another format', (b) => void b.writeUInt16LE(6, 20), /format 6/],
    ['nothing', () => Buffer.alloc(0), /not a WAV file/],
  ]
  function sized(bytes: Buffer, dataOctets: number): Buffer {
    bytes.writeUInt32LE(dataOctets, 40)
    bytes.writeUInt32LE(36 + dataOctets, 4)
    return bytes
  }
  for (const [name, change, says] of lying) {
    it(`refuses a WAV file with ${name}`, () => {
      const path = join(mkdtempSync(join(tmpdir(), 'ringflow-')), 'a.wav')
      const bytes = Buffer.from(plain)
      writeFileSync(path, change(bytes) ?? bytes)
      assert.throws(() => readWav(path), says)
    })
  }
})
