import assert from 'node:assert/strict'
import { mkdtempSync, utimesSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decode, PCMU } from '../../../../src/media/codec/g711.js'
import { PromptStore } from '../../../../src/media/file/prompt-store.js'
import type { PromptSource } from '../../../../src/media/protocol.js'
import { measureTone, sine, writeWav } from '../../../support/audio.js'

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

  it('reads a file again when it has changed', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'ringflow-')), 'a.wav')
    const store = new PromptStore({ maxOctets: 1e6 })
    writeWav(path, sine(300, 100))
    const first = await store.prompt({ kind: 'file', path }, 'PCMA')
    assert.equal((await store.prompt({ kind: 'file', path }, 'PCMA')).prompt.data, first.prompt.data)
    utimesSync(path, new Date(), new Date(Date.now() + 5000))
    assert.notEqual((await store.prompt({ kind: 'file', path }, 'PCMA')).prompt.data, first.prompt.data)
  })

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
