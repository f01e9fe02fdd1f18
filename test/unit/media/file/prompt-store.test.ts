import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, statSync, utimesSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decode, PCMA, PCMU } from '../../../../src/media/codec/g711.js'
import { PromptStore } from '../../../../src/media/file/prompt-store.js'
import type { PromptSource } from '../../../../src/media/protocol.js'
import { measureTone, sine, wavBytes, writeWav } from '../../../support/audio.js'

const wavHead = wavBytes({ tag: 1, channels: 1, sampleRate: 8000, bits: 16 }, Buffer.alloc(0))
const tone = (hz: number): PromptSource => ({ kind: 'tone', hz: [hz], durationMs: 1000, levelDbfs: -13 })

describe('prompt store', () => {
  it('encodes into shared memory', async () => {
    const { prompt, durationMs } = await new PromptStore({ maxOctets: 1e6 }).prompt(tone(1000), 'PCMU')
    assert.equal(durationMs, 1000)
    assert.ok(prompt.data instanceof SharedArrayBuffer)
    const samples = new Int16Array(8000)
    decode(PCMU, new Uint8Array(prompt.data), 0, samples, 0, 8000)
    assert.ok(measureTone(samples, 1000).share > 0.99)
  })

  it('gives the same memory again, one per codec, also while it is being made', async () => {
    const store = new PromptStore({ maxOctets: 1e6 })
    const [first, second] = await Promise.all([store.prompt(tone(1000), 'PCMA'), store.prompt(tone(1000), 'PCMA')])
    assert.equal(first.prompt.data, second.prompt.data)
    assert.equal((await store.prompt(tone(1000), 'PCMA')).prompt.data, first.prompt.data)
    assert.notEqual((await store.prompt(tone(1000), 'PCMU')).prompt.data, first.prompt.data)
    assert.equal(store.octets, 16_000)
  })

  it('reads a file again when it has changed, also where size and time look the same', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'ringflow-')), 'a.wav')
    const store = new PromptStore({ maxOctets: 1e6 })
    const copy = (hz: number) => {
      writeWav(path, sine(hz, 100))
      utimesSync(path, new Date(0), new Date(0))
      return statSync(path).ctimeMs
    }
    const before = copy(300)
    const first = await store.prompt({ kind: 'file', path }, 'PCMA')
    assert.equal((await store.prompt({ kind: 'file', path }, 'PCMA')).prompt.data, first.prompt.data)
    while (copy(400) === before); // within one tick of the file system's clock
    assert.notEqual((await store.prompt({ kind: 'file', path }, 'PCMA')).prompt.data, first.prompt.data)
  })

  it('decodes a WAV in memory, once however often the same octets come', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'ringflow-')), 'a.wav')
    writeWav(path, sine(1000, 500), 8000)
    const store = new PromptStore({ maxOctets: 1e6 })
    const wav = (): PromptSource => ({ kind: 'wav', data: new Uint8Array(readFileSync(path)) })
    const first = await store.prompt(wav(), 'PCMA')
    assert.equal(first.durationMs, 500)
    assert.equal((await store.prompt(wav(), 'PCMA')).prompt.data, first.prompt.data)
    assert.deepEqual(
      new Uint8Array(first.prompt.data),
      new Uint8Array((await store.prompt({ kind: 'file', path }, 'PCMA')).prompt.data),
    )
    for (const data of [new Uint8Array(0), new Uint8Array(100), wavHead.subarray(0, 30)]) {
      await assert.rejects(store.prompt({ kind: 'wav', data }, 'PCMA'), { code: 'BAD_AUDIO' })
    }
  })

  it('makes louder and softer, and refuses what is neither', async () => {
    const store = new PromptStore({ maxOctets: 1e6 })
    const level = async (gainDb?: number) => {
      const source = { ...tone(1000), ...(gainDb === undefined ? {} : { gainDb }) }
      const { prompt } = await store.prompt(source, 'PCMU')
      const samples = new Int16Array(8000)
      decode(PCMU, new Uint8Array(prompt.data), 0, samples, 0, 8000)
      return measureTone(samples, 1000).rmsDbfs
    }
    const plain = await level()
    assert.ok(Math.abs((await level(0)) - plain) < 0.01)
    assert.ok(Math.abs((await level(6)) - plain - 6) < 0.2, `${await level(6)}`)
    assert.ok(Math.abs((await level(-20)) - plain + 20) < 0.3, `${await level(-20)}`)
    for (const gainDb of [41, -41, Number.NaN]) {
      await assert.rejects(store.prompt({ ...tone(1000), gainDb }, 'PCMA'), { code: 'BAD_ARGUMENT' })
    }
  })

  for (const [codec, law, fullScale] of [
    ['PCMU', PCMU, 32_124],
    ['PCMA', PCMA, 32_256],
  ] as const) {
    it(`clips what is too loud: it keeps its sign and stands at the full scale of ${codec}`, async () => {
      const store = new PromptStore({ maxOctets: 1e6 })
      const samplesOf = async (gainDb: number) => {
        const { prompt } = await store.prompt({ ...tone(1000), gainDb }, codec)
        const samples = new Int16Array(8000)
        decode(law, new Uint8Array(prompt.data), 0, samples, 0, 8000)
        return samples
      }
      const [plain, loud] = [await samplesOf(0), await samplesOf(40)]
      let clipped = 0
      for (const [i, sample] of plain.entries()) {
        if (Math.abs(sample) < 400) continue // times a hundred it is beyond 16 bit
        clipped++
        assert.equal(loud[i], Math.sign(sample) * fullScale, `sample ${i}, ${sample} without gain`)
      }
      assert.ok(clipped > 4000, `${clipped} samples were clipped`)
    })
  }

  it('forgets what was not used for longest, and stays below its bound', async () => {
    const store = new PromptStore({ maxOctets: 20_000 })
    const first = await store.prompt(tone(100), 'PCMA')
    const second = await store.prompt(tone(200), 'PCMA')
    await store.prompt(tone(100), 'PCMA')
    await store.prompt(tone(300), 'PCMA')
    assert.ok(store.octets <= 20_000)
    assert.equal((await store.prompt(tone(100), 'PCMA')).prompt.data, first.prompt.data)
    assert.notEqual((await store.prompt(tone(200), 'PCMA')).prompt.data, second.prompt.data)
  })

  it('plays what is larger than all it may keep, and keeps nothing of it', async () => {
    const store = new PromptStore({ maxOctets: 100 })
    assert.equal((await store.prompt(tone(100), 'PCMA')).durationMs, 1000)
    assert.equal(store.octets, 0)
  })

  it('does not keep a failure', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'ringflow-')), 'late.wav')
    const store = new PromptStore({ maxOctets: 1e6 })
    await assert.rejects(store.prompt({ kind: 'file', path }, 'PCMA'), { code: 'FILE_NOT_FOUND' })
    writeWav(path, sine(300, 100))
    assert.equal((await store.prompt({ kind: 'file', path }, 'PCMA')).durationMs, 100)
  })
})
