import assert from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { MediaService, MediaSession } from '../../../src/media/client.js'
import { findGaps, measureTone, readWav, sine, writeWav } from '../../support/audio.js'
import { connect, connectionTo, connectWith, digits, mediaPair } from '../../support/media-pair.js'

describe('media: two calls hear each other', () => {
  let service: MediaService
  let a: MediaSession
  let b: MediaSession
  let folder: string

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ringflow-media-'))
    ;({ service, a, b } = await mediaPair())
  })

  afterEach(() => service.close())

  it('a tone that is played is recorded on the other side, in both directions', async () => {
    const heardByA = await a.record(join(folder, 'a.wav'))
    const heardByB = await b.record(join(folder, 'b.wav'))
    const [playedA, playedB] = await Promise.all([
      a.play({ kind: 'tone', hz: [1000], durationMs: 1500, levelDbfs: -13 }).ended,
      b.play({ kind: 'tone', hz: [425], durationMs: 1500, levelDbfs: -20 }).ended,
    ])
    assert.deepEqual(playedA, { ended: 'finished', playedMs: 1500 })
    assert.deepEqual(playedB, { ended: 'finished', playedMs: 1500 })
    await b.play({ kind: 'tone', hz: [50], durationMs: 200, levelDbfs: -90 }).ended // lets the jitter buffers run dry
    const [stoppedA, stoppedB] = await Promise.all([heardByA.stop(), heardByB.stop()])
    assert.equal((await heardByA.ended).ended, 'stopped')
    assert.ok(stoppedA && stoppedB && stoppedA.durationMs >= 1700)
    assert.equal(stoppedA.octets, 44 + stoppedA.durationMs * 16)
    const toneAtB = measureTone(join(folder, 'b.wav'), 1000)
    const toneAtA = measureTone(join(folder, 'a.wav'), 425)
    assert.ok(toneAtB.share >= 0.95, `share of 1000 Hz ${toneAtB.share}`)
    assert.ok(toneAtA.share >= 0.95, `share of 425 Hz ${toneAtA.share}`)
    assert.ok(Math.abs(toneAtB.rmsDbfs + 13) < 1, `level ${toneAtB.rmsDbfs}`)
    assert.ok(Math.abs(toneAtA.rmsDbfs + 20) < 1, `level ${toneAtA.rmsDbfs}`)
    assert.ok(toneAtB.soundMs >= 1480, `${toneAtB.soundMs} ms of sound`)
    // A machine that is too busy for the worker is not a fault of the worker; the figures show it.
    const { latePackets } = await a.stats()
    if (latePackets === 0)
      assert.deepEqual(findGaps(readWav(join(folder, 'b.wav')).channels[0] ?? new Int16Array()), [])
  })

  it('a WAV file of another rate and two channels is played', async () => {
    const path = join(folder, 'prompt.wav')
    writeWav(path, [sine(700, 1000, { sampleRate: 44100 }), sine(700, 1000, { sampleRate: 44100 })], 44100)
    const recording = await b.record(join(folder, 'b.wav'))
    assert.deepEqual(await a.play({ kind: 'file', path }).ended, { ended: 'finished', playedMs: 1000 })
    await a.play({ kind: 'tone', hz: [50], durationMs: 200, levelDbfs: -90 }).ended
    await recording.stop()
    const tone = measureTone(join(folder, 'b.wav'), 700)
    assert.ok(tone.share >= 0.95, `share ${tone.share}`)
  })

  it('what is heard is sent back while echo is on', async () => {
    await b.echo(true)
    const path = join(folder, 'echo.wav')
    const recording = await a.record(path)
    await a.play({ kind: 'tone', hz: [600], durationMs: 1000, levelDbfs: -13 }).ended
    await a.play({ kind: 'tone', hz: [50], durationMs: 300, levelDbfs: -90 }).ended
    await recording.stop()
    const echoed = measureTone(path, 600)
    assert.ok(echoed.share >= 0.95, `share ${echoed.share}`)
    assert.ok(Math.abs(echoed.rmsDbfs + 13) < 1, `level ${echoed.rmsDbfs}`)
    await b.echo(false)
    const silence = await a.record(join(folder, 'silence.wav'))
    await a.play({ kind: 'tone', hz: [600], durationMs: 400, levelDbfs: -13 }).ended
    await silence.stop()
    assert.ok(measureTone(join(folder, 'silence.wav'), 600).soundMs < 200)
  })

  it('digits arrive in both directions, once each, in order', async () => {
    const all = '1234567890*#ABCD55'
    const [atA, atB, sentA, sentB] = await Promise.all([
      digits(a, all.length),
      digits(b, all.length),
      a.sendDigits(all, { toneMs: 60, gapMs: 60 }),
      b.sendDigits(all, { toneMs: 60, gapMs: 60 }),
    ])
    assert.deepEqual([atA, atB, sentA, sentB], [all, all, 'finished', 'finished'])
  })

  it('digits are heard as tones where the peer has no telephone-event, and only there', async () => {
    const press = (hz: number[]) => a.play({ kind: 'tone', hz, durationMs: 120, levelDbfs: -13 }).ended
    const pause = () => a.play({ kind: 'tone', hz: [50], durationMs: 200, levelDbfs: -90 }).ended
    const keys = [
      [697, 1209],
      [941, 1477],
      [852, 1336],
    ]
    const all: string[] = []
    b.on('digit', (digit) => all.push(digit))
    for (const hz of keys) await press(hz)
    await pause()
    assert.deepEqual(all, [], 'a tone in the sound says nothing where digits have packets of their own')

    const { telephoneEvent: _, ...plain } = connectionTo(a.local)
    await connectWith(b, plain)
    const heard = digits(b, keys.length)
    for (const hz of keys) {
      await press(hz)
      await pause()
    }
    assert.equal(await heard, '1#8')
    assert.deepEqual(all, ['1', '#', '8'])
  })

  it('PCMU with 10, 30 and 60 ms packets sounds as well', async () => {
    for (const ptimeMs of [10, 30, 60]) {
      await connect(a, b, { codec: 'PCMU', payloadType: 0, ptimeMs })
      await connect(b, a, { codec: 'PCMU', payloadType: 0, ptimeMs })
      const path = join(folder, `${ptimeMs}.wav`)
      const recording = await b.record(path)
      await a.play({ kind: 'tone', hz: [1000], durationMs: 600, levelDbfs: -13 }).ended
      await a.play({ kind: 'tone', hz: [50], durationMs: 240, levelDbfs: -90 }).ended
      await recording.stop()
      const tone = measureTone(path, 1000)
      assert.ok(tone.share >= 0.95, `${ptimeMs} ms: share ${tone.share}`)
    }
  })
})
