import assert from 'node:assert/strict'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { TelephonyError } from '../../../../src/base/errors.js'
import { PCMA, PCMU } from '../../../../src/media/codec/g711.js'
import { checkWavFile } from '../../../../src/media/file/wav-file.js'
import { plainWavHead, readWavFormat } from '../../../../src/media/file/wav-format.js'
import { readWavFile, readWavOctets } from '../../../../src/media/file/wav-reader.js'
import { measureTone, sine, wavBytes, writeWav } from '../../../support/audio.js'

const isError = (code: string) => (error: unknown) => error instanceof TelephonyError && error.code === code

describe('WAV files', () => {
  let folder: string
  let path: string

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ringflow-wav-'))
    path = join(folder, 'a.wav')
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('16 bit mono at 8 kHz comes through sample by sample', async () => {
    const samples = Int16Array.from([0, 1, -1, 32767, -32768, 1234, -4321])
    writeWav(path, samples)
    assert.deepEqual(await readWavFile(path), samples)
  })

  it('several channels are mixed', async () => {
    writeWav(path, [Int16Array.from([1000, -2000]), Int16Array.from([3000, -4000]), Int16Array.from([5000, -6000])])
    assert.deepEqual([...(await readWavFile(path))], [3000, -4000])
  })

  /** Octets of one sample, by kind. */
  type Coder = { tag: number; bits: number; write: (out: DataView, at: number, sample: number) => void }
  const coders: Record<string, Coder> = {
    '8 bit': { tag: 1, bits: 8, write: (out, at, v) => out.setUint8(at, (v >> 8) + 128) },
    '16 bit': { tag: 1, bits: 16, write: (out, at, v) => out.setInt16(at, v, true) },
    '24 bit': {
      tag: 1,
      bits: 24,
      write: (out, at, v) => {
        out.setUint8(at, 0)
        out.setInt16(at + 1, v, true)
      },
    },
    '32 bit': { tag: 1, bits: 32, write: (out, at, v) => out.setInt32(at, v * 65536, true) },
    float: { tag: 3, bits: 32, write: (out, at, v) => out.setFloat32(at, v / 32768, true) },
    'A-law': { tag: 6, bits: 8, write: (out, at, v) => out.setUint8(at, PCMA.toCoded[v & 0xffff] ?? 0) },
    'mu-law': { tag: 7, bits: 8, write: (out, at, v) => out.setUint8(at, PCMU.toCoded[v & 0xffff] ?? 0) },
  }
  for (const [name, { tag, bits, write }] of Object.entries(coders)) {
    for (const [sampleRate, channels] of [
      [8000, 1],
      [44_100, 2],
    ] as const) {
      it(`${name}, ${channels} x ${sampleRate} Hz, is heard as the tone that it is`, async () => {
        const tone = sine(1000, 1000, { rmsDbfs: -13, sampleRate })
        const data = new DataView(new ArrayBuffer((tone.length * channels * bits) / 8))
        for (let i = 0; i < tone.length * channels; i++)
          write(data, (i * bits) / 8, tone[Math.floor(i / channels)] ?? 0)
        writeFileSync(path, wavBytes({ tag, channels, sampleRate, bits }, new Uint8Array(data.buffer)))
        const samples = await readWavFile(path)
        const measured = measureTone(samples, 1000)
        assert.ok(Math.abs(samples.length - 8000) <= 2, `${samples.length} samples`)
        assert.ok(measured.share > 0.99, `share ${measured.share}`)
        assert.ok(Math.abs(measured.rmsDbfs + 13) < 0.3, `level ${measured.rmsDbfs}`)
      })
    }
  }

  const chunk = (name: string, content: Uint8Array, size = content.length): Buffer => {
    const head = Buffer.alloc(8)
    head.write(name, 'latin1')
    head.writeUInt32LE(size, 4)
    return Buffer.concat([head, content])
  }
  const three = Int16Array.from([1, 2, 3])
  const fmt = wavBytes({ tag: 1, channels: 1, sampleRate: 8000, bits: 16 }, new Uint8Array(0)).subarray(12, 36)
  const data = chunk('data', new Uint8Array(three.buffer))
  const wave = (id: string, ...chunks: Uint8Array[]): Buffer => {
    const body = Buffer.concat([Buffer.from('WAVE'), ...chunks])
    return chunk(id, body, id === 'RIFF' ? body.length : 0xffff_ffff)
  }

  const standing: [name: string, chunk: Buffer][] = [
    ['393,164 octets reserved for notes', chunk('LIST', Buffer.alloc(393_164))],
    ['70,000 octets of nothing, full of the word "data"', chunk('JUNK', Buffer.alloc(70_000, 'data'))],
    ['an odd chunk and its octet of padding', Buffer.concat([chunk('LIST', Buffer.from('abc')), Buffer.alloc(1)])],
    ['an odd chunk whose writer forgot the padding', chunk('LIST', Buffer.from('abc'))],
    ['an odd chunk of 99,999 octets', Buffer.concat([chunk('bext', Buffer.alloc(99_999, 1)), Buffer.alloc(1)])],
    ['500 small chunks', Buffer.concat(Array<Buffer>(500).fill(chunk('cue ', Buffer.alloc(4))))],
    ['an empty chunk', chunk('fact', Buffer.alloc(0))],
  ]
  for (const [name, before] of standing) {
    it(`the sound is found behind ${name}, before and after the format`, async () => {
      for (const bytes of [wave('RIFF', before, fmt, data), wave('RIFF', fmt, before, data, before)]) {
        writeFileSync(path, bytes)
        assert.deepEqual(await readWavFile(path), three)
        assert.deepEqual(await readWavOctets(bytes), three)
        await checkWavFile(path)
      }
    })
  }

  it('files for more than 4 GB (RF64, BW64) are read, also where they are small', async () => {
    const ds64 = Buffer.alloc(28)
    ds64.writeBigUInt64LE(6n, 8)
    for (const id of ['RF64', 'BW64']) {
      const sound = chunk('data', new Uint8Array(three.buffer), 0xffff_ffff)
      writeFileSync(path, wave(id, chunk('ds64', ds64), fmt, sound, chunk('LIST', Buffer.from('notes!'))))
      assert.deepEqual(await readWavFile(path), three)
    }
  })

  it('a file of nothing but chunks is given up', async () => {
    writeFileSync(path, wave('RIFF', Buffer.alloc(8 * 20_000, chunk('JUNK', new Uint8Array(0)))))
    await assert.rejects(readWavFile(path), { code: 'BAD_AUDIO', message: /more than 10000 chunks/ })
  })

  it('a file is closed after it was read, checked or refused', async () => {
    const isOpen = () =>
      readdirSync('/proc/self/fd').some((fd) => {
        try {
          return readlinkSync(`/proc/self/fd/${fd}`) === path
        } catch {
          return false // closed meanwhile
        }
      })
    writeWav(path, sine(500, 100))
    await readWavFile(path)
    assert.ok(!isOpen(), 'read')
    await checkWavFile(path)
    assert.ok(!isOpen(), 'checked')
    writeFileSync(path, 'not sound')
    await assert.rejects(readWavFile(path), isError('BAD_AUDIO'))
    assert.ok(!isOpen(), 'refused')
  })

  it('a file whose writer died, with sizes of 0 or beyond the end, is read as far as it goes', async () => {
    writeWav(path, sine(500, 100))
    const file = readFileSync(path)
    file.writeUInt32LE(0, 40)
    writeFileSync(path, file)
    assert.equal((await readWavFile(path)).length, 800)
    file.writeUInt32LE(0xffff_ffff, 40)
    writeFileSync(path, file)
    assert.equal((await readWavFile(path)).length, 800)
    truncateSync(path, 44 + 801)
    assert.equal((await readWavFile(path)).length, 400)
  })

  it('what is missing or no file is FILE_NOT_FOUND', async () => {
    mkdirSync(join(folder, 'folder.wav'))
    for (const name of ['none.wav', 'folder.wav']) {
      await assert.rejects(readWavFile(join(folder, name)), isError('FILE_NOT_FOUND'))
      await assert.rejects(checkWavFile(join(folder, name)), isError('FILE_NOT_FOUND'))
    }
  })

  it('what holds no sound that we decode is BAD_AUDIO, named with its path', async () => {
    const plain = { tag: 1, channels: 1, sampleRate: 8000, bits: 16 }
    const bad: [name: string, bytes: Uint8Array][] = [
      ['empty', new Uint8Array(0)],
      ['text', Buffer.from('#!/bin/sh\necho this is not a sound at all, in spite of its name\n')],
      ['no samples', wavBytes(plain, new Uint8Array(0))],
      ['no channels', wavBytes({ ...plain, channels: 0 }, new Uint8Array(8))],
      ['many channels', wavBytes({ ...plain, channels: 60_000, bits: 8 }, new Uint8Array(60_000))],
      ['no rate', wavBytes({ ...plain, sampleRate: 0 }, new Uint8Array(8))],
      ['a rate of 2 GHz', wavBytes({ ...plain, sampleRate: 2_000_000_000 }, new Uint8Array(8))],
      ['12 bit', wavBytes({ ...plain, bits: 12 }, new Uint8Array(8))],
      ['ADPCM', wavBytes({ ...plain, tag: 2, bits: 8 }, new Uint8Array(8))],
      ['MP3 inside', wavBytes({ ...plain, tag: 0x55, bits: 8 }, new Uint8Array(8))],
      ['cut off', wavBytes(plain, new Uint8Array(8)).subarray(0, 30)],
    ]
    for (const [name, bytes] of bad) {
      writeFileSync(path, bytes)
      const refused = (error: unknown) => isError('BAD_AUDIO')(error) && String(error).includes(path)
      await assert.rejects(readWavFile(path), refused, name)
      await assert.rejects(checkWavFile(path), refused, name)
    }
  })

  it('longer than an hour is refused by what the head says, before anything is decoded', async () => {
    const head = wavBytes({ tag: 1, channels: 1, sampleRate: 8000, bits: 8 }, new Uint8Array(0))
    head.writeUInt32LE(3601 * 8000, 40)
    writeFileSync(path, head)
    truncateSync(path, 44 + 3601 * 8000)
    await assert.rejects(readWavFile(path), isError('BAD_AUDIO'))
  })

  it('any head is refused with BAD_AUDIO, or stands for a format that is written and read again', async () => {
    const start = Buffer.from('RIFF\0\0\0\0WAVEfmt \x10\0\0\0', 'latin1')
    const field = (values: number[]) =>
      fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...values) }, fc.integer({ min: 0, max: 0xffff }))
    const fmt = fc
      .tuple(field([1, 3, 6, 7, 0xfffe]), field([1, 2]), field([8000, 44_100]), field([1, 2, 4]), field([8, 16]))
      .map(([tag, channels, rate, block, bits]) => {
        const bytes = Buffer.alloc(16)
        bytes.writeUInt16LE(tag, 0)
        bytes.writeUInt16LE(channels, 2)
        bytes.writeUInt32LE(rate, 4)
        bytes.writeUInt16LE(block, 12)
        bytes.writeUInt16LE(bits, 14)
        return Buffer.concat([start, bytes, Buffer.from('data\x08\0\0\0')])
      })
    const parse = (bytes: Uint8Array) =>
      readWavFormat({ size: bytes.length, read: async (at, octets) => bytes.subarray(at, at + octets) })
    let good = 0
    await fc.assert(
      fc.asyncProperty(fc.oneof(fmt, fc.uint8Array({ maxLength: 100 })), async (head) => {
        try {
          const format = await parse(head)
          good++
          assert.deepEqual(await parse(plainWavHead(format)), { ...format, dataStart: 44 })
        } catch (error) {
          assert.ok(isError('BAD_AUDIO')(error), String(error))
        }
      }),
      { numRuns: 3000 },
    )
    assert.ok(good > 20, `${good} heads were good`)
  })
})
