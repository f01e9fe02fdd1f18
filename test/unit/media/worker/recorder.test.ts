import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readWavFile } from '../../../../src/media/file/wav-reader.js'
import { WavRecorder } from '../../../../src/media/worker/recorder.js'
import { readWav, sine, wavSizes } from '../../../support/audio.js'

function feed(recorder: WavRecorder, samples: Int16Array): void {
  for (let at = 0; at < samples.length && !recorder.full; at += 160) recorder.write(samples.subarray(at, at + 160), 160)
}

const HEADER_OCTETS = 44

/** Waits until the file has so many octets of sound, and gives up after some seconds. */
async function soundOnDisk(path: string, octets: number): Promise<void> {
  await until(`${octets} octets of sound in ${path}`, () => wavSizes(path).fileOctets >= HEADER_OCTETS + octets)
}

/** Waits until the header of a file that is being written tells of so many octets. */
async function headerTells(path: string, octets: number): Promise<void> {
  await until(`a header that tells of ${octets} octets in ${path}`, () => wavSizes(path).dataOctets >= octets)
}

async function until(what: string, isSo: () => boolean): Promise<void> {
  const endsAt = Date.now() + 5_000
  while (!isSo()) {
    assert.ok(Date.now() < endsAt, `waited for ${what}, which did not come`)
    await new Promise(setImmediate)
  }
}

/** Runs with a disk that is full: every write of every file fails. */
async function failWrites<T>(run: () => Promise<T>): Promise<T> {
  const probe = await open('/dev/null', 'w')
  const prototype = Object.getPrototypeOf(probe) as { write: unknown }
  await probe.close()
  const { write } = prototype
  prototype.write = () => Promise.reject(new Error('ENOSPC: no space left on device'))
  try {
    return await run()
  } finally {
    prototype.write = write
  }
}

describe('WAV recorder', () => {
  let folder: string

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ringflow-rec-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('writes what it was given, in a folder that it makes', async () => {
    const path = join(folder, 'sub', 'a.wav')
    const recorder = await WavRecorder.create({ path, maxMs: 0 })
    const tone = sine(440, 2500)
    feed(recorder, tone)
    const result = await recorder.close()
    assert.deepEqual(result, { path, durationMs: 2500, octets: 44 + 40_000 })
    assert.deepEqual(readWav(path), { sampleRate: 8000, channels: [tone] })
    assert.equal(await recorder.close(), result, 'close is idempotent')
    assert.equal(recorder.problem, '')
  })

  it('ends at its limit, to the sample', async () => {
    const path = join(folder, 'a.wav')
    const recorder = await WavRecorder.create({ path, maxMs: 1010 })
    feed(recorder, sine(440, 3000))
    assert.ok(recorder.full)
    assert.equal((await recorder.close()).durationMs, 1010)
  })

  it('is playable without having been closed: the header tells the length again every five seconds', async () => {
    const path = join(folder, 'a.wav')
    const recorder = await WavRecorder.create({ path, maxMs: 0 })
    assert.deepEqual(readWav(path).channels, [new Int16Array(0)])
    const tone = sine(440, 11_000)
    for (const seconds of [5, 10]) {
      feed(recorder, tone.subarray((seconds - 5) * 8000, seconds * 8000))
      await headerTells(path, seconds * 16_000)
      assert.deepEqual(readWav(path), { sampleRate: 8000, channels: [tone.subarray(0, seconds * 8000)] })
    }
    feed(recorder, tone.subarray(80_000))
    await soundOnDisk(path, 176_000)
    const { riffOctets, dataOctets } = wavSizes(path)
    assert.deepEqual([riffOctets, dataOctets], [160_036, 160_000], 'of the last seconds nothing is told yet')
    await recorder.close()
    assert.deepEqual(wavSizes(path), { riffOctets: 176_036, dataOctets: 176_000, fileOctets: 176_044 })
  })

  it('refuses what it cannot write to, and a link in the place of the file', async () => {
    mkdirSync(join(folder, 'folder.wav'))
    await assert.rejects(WavRecorder.create({ path: join(folder, 'folder.wav'), maxMs: 0 }), { code: 'BAD_ARGUMENT' })
    writeFileSync(join(folder, 'precious'), 'keep me')
    symlinkSync(join(folder, 'precious'), join(folder, 'link.wav'))
    await assert.rejects(WavRecorder.create({ path: join(folder, 'link.wav'), maxMs: 0 }), { code: 'BAD_ARGUMENT' })
  })

  it('a disk that fails in the middle costs the rest of the recording, is told, and close does not reject', async () => {
    const path = join(folder, 'a.wav')
    const recorder = await WavRecorder.create({ path, maxMs: 0 })
    feed(recorder, sine(440, 1000))
    await soundOnDisk(path, 16_000)
    const failing = await failWrites(async () => {
      feed(recorder, sine(440, 2500))
      return recorder.close()
    })
    assert.equal(failing.durationMs, 1000)
    assert.equal(failing.truncated, true)
    assert.match(recorder.problem, /40000 octets were not written: Error: ENOSPC/)
    assert.equal(wavSizes(path).dataOctets, 0, 'not even the header could be written')
    assert.deepEqual(await readWavFile(path), sine(440, 1000), 'what was written can be played')
  })

  it('a disk that is full for a while costs nothing: what waits is written when there is room again', async () => {
    const path = join(folder, 'a.wav')
    const recorder = await WavRecorder.create({ path, maxMs: 0 })
    const tone = sine(440, 40_000)
    feed(recorder, tone.subarray(0, 8000))
    await soundOnDisk(path, 16_000)
    await failWrites(async () => {
      feed(recorder, tone.subarray(8000, 8000 * 30))
      await new Promise(setImmediate)
    })
    feed(recorder, tone.subarray(8000 * 30, 8000 * 31))
    while (recorder.waitingOctets > 0) await new Promise(setImmediate)
    feed(recorder, tone.subarray(8000 * 31))
    const result = await recorder.close()
    assert.deepEqual(result, { path, durationMs: 40_000, octets: 44 + 640_000 })
    assert.equal(recorder.problem, '')
    assert.deepEqual(readWav(path).channels[0], tone)
  })

  it('a disk that stays full costs a bounded amount of memory', async () => {
    const recorder = await WavRecorder.create({ path: join(folder, 'a.wav'), maxMs: 0 })
    const minute = sine(440, 60_000)
    const result = await failWrites(async () => {
      for (let n = 0; n < 10; n++) {
        feed(recorder, minute)
        await new Promise(setImmediate)
      }
      console.log(`      10 minutes onto a full disk: ${recorder.waitingOctets / 1000} kB wait (<= 500)`)
      assert.ok(recorder.waitingOctets <= 500_000)
      return recorder.close()
    })
    assert.deepEqual([result.durationMs, result.truncated], [0, true])
    assert.match(recorder.problem, /9600000 octets were not written: Error: ENOSPC/)
  })

  it('refuses a full disk', async () => {
    await assert.rejects(WavRecorder.create({ path: '/dev/full', maxMs: 0 }), { code: 'BAD_ARGUMENT' })
  })
})
