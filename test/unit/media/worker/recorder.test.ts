import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WavRecorder } from '../../../../src/media/worker/recorder.js'
import { readWav, sine } from '../../../support/audio.js'

function feed(recorder: WavRecorder, samples: Int16Array): void {
  for (let at = 0; at < samples.length && !recorder.full; at += 160) recorder.write(samples.subarray(at, at + 160), 160)
}

/** Waits until the file's header states this number of samples. */
async function samplesOnDisk(path: string, atLeast: number): Promise<number> {
  for (;;) {
    const n = readWav(path).channels[0]?.length ?? 0
    if (n >= atLeast) return n
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

  it('is playable without having been closed', async () => {
    const path = join(folder, 'a.wav')
    const recorder = await WavRecorder.create({ path, maxMs: 0 })
    assert.deepEqual(readWav(path).channels[0]?.length, 0)
    feed(recorder, sine(440, 5000))
    assert.equal(await samplesOnDisk(path, 40_000), 40_000)
    await recorder.close()
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
    await samplesOnDisk(path, 8000)
    const failing = await failWrites(async () => {
      feed(recorder, sine(440, 2500))
      return recorder.close()
    })
    assert.equal(failing.durationMs, 1000)
    assert.equal(failing.truncated, true)
    assert.match(recorder.problem, /40000 octets were not written: Error: ENOSPC/)
    assert.ok((readWav(path).channels[0]?.length ?? 0) >= 8000, 'what was written can be played')
  })

  it('a disk that is full for a while costs nothing: what waits is written when there is room again', async () => {
    const path = join(folder, 'a.wav')
    const recorder = await WavRecorder.create({ path, maxMs: 0 })
    const tone = sine(440, 40_000)
    feed(recorder, tone.subarray(0, 8000))
    await samplesOnDisk(path, 8000)
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
