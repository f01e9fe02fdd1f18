import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { recordingHead, recoverRecording } from '../../../../src/media/file/recording.js'
import { readWav, sine } from '../../../support/audio.js'

describe('a recording whose worker died', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ringflow-recovered-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('gets a header that tells all that was written, in whole samples', async () => {
    const path = join(folder, 'a.wav')
    const tone = sine(440, 1000)
    writeFileSync(path, Buffer.concat([recordingHead(0), Buffer.from(tone.buffer), Buffer.of(7)]))
    assert.deepEqual(await recoverRecording(path), { path, durationMs: 1000, octets: 16_044, truncated: true })
    assert.deepEqual(readWav(path), { sampleRate: 8000, channels: [tone] })
  })

  it('that has not even its header yet is empty', async () => {
    const path = join(folder, 'a.wav')
    writeFileSync(path, recordingHead(0).subarray(0, 20))
    assert.deepEqual(await recoverRecording(path), { path, durationMs: 0, octets: 44, truncated: true })
    assert.deepEqual(readWav(path).channels, [new Int16Array(0)])
  })

  it('that is gone, or a link by now, is told as empty, and nothing is written', async () => {
    const empty = { durationMs: 0, octets: 0, truncated: true }
    const [precious, link, gone] = ['precious', 'link.wav', 'gone.wav'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ]
    writeFileSync(precious, 'keep me')
    symlinkSync(precious, link)
    for (const path of [link, gone]) assert.deepEqual(await recoverRecording(path), { path, ...empty })
    assert.equal(readFileSync(precious, 'utf8'), 'keep me')
  })
})
