import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PCMA, PCMU } from '../../src/media/codec/g711.js'
import { readWavFile } from '../../src/media/file/wav-reader.js'
import { WavRecorder } from '../../src/media/worker/recorder.js'
import { measureTone, sine, writeWav } from '../support/audio.js'

describe('sox: files and G.711 of an implementation that is not ours', () => {
  let folder: string

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ringflow-sox-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  for (const [codec, law] of [
    [PCMA, 'a-law'],
    [PCMU, 'u-law'],
  ] as const) {
    it(`${codec.name} expands as sox does`, () => {
      const octets = Uint8Array.from({ length: 256 }, (_, i) => i)
      const raw = ['-t', 'raw', '-r', '8000', '-c', '1', '-e', law, '-', '-t', 'raw', '-e', 'signed', '-b', '16', '-']
      const out = execFileSync('sox', ['-D', ...raw], { input: octets })
      assert.deepEqual(
        [...codec.toLinear],
        Array.from({ length: 256 }, (_, i) => out.readInt16LE(i * 2)),
      )
    })
  }

  // Common file formats.
  const kinds: [name: string, ...options: string[]][] = [
    ['8 bit', '-b', '8', '-e', 'unsigned'],
    ['24 bit', '-b', '24'],
    ['32 bit', '-b', '32', '-e', 'signed'],
    ['float', '-b', '32', '-e', 'floating-point'],
    ['A-law', '-e', 'a-law'],
    ['mu-law', '-e', 'u-law'],
    ['A-law at 16 kHz', '-e', 'a-law', '-r', '16000'],
    ['44.1 kHz stereo', '-r', '44100', '-c', '2'],
    ['48 kHz 24 bit, six channels (extensible)', '-r', '48000', '-b', '24', '-c', '6'],
    ['11.025 kHz 8 bit', '-r', '11025', '-b', '8'],
  ]
  for (const [name, ...options] of kinds) {
    it(`a WAV file made by sox, ${name}, is heard as the tone that it is`, async () => {
      const [source, path] = [join(folder, 'source.wav'), join(folder, 'made.wav')]
      writeWav(source, sine(1000, 1000, { rmsDbfs: -13 }))
      execFileSync('sox', ['-D', source, ...options, path], { stdio: 'ignore' })
      const samples = await readWavFile(path)
      const tone = measureTone(samples, 1000)
      assert.ok(Math.abs(samples.length - 8000) <= 2, `${samples.length} samples`)
      assert.ok(tone.share > 0.99, `share ${tone.share}`)
      assert.ok(Math.abs(tone.rmsDbfs + 13) < 0.3, `level ${tone.rmsDbfs}`)
    })
  }

  it('reads what we record', async () => {
    const path = join(folder, 'recorded.wav')
    const recorder = await WavRecorder.create({ path, maxMs: 0 })
    recorder.write(sine(1000, 500), 4000)
    await recorder.close()
    const info = execFileSync('soxi', [path]).toString()
    assert.match(info, /Channels\s+: 1/)
    assert.match(info, /Sample Rate\s+: 8000/)
    assert.match(info, /Precision\s+: 16-bit/)
    assert.match(info, /= 4000 samples/)
  })
})
