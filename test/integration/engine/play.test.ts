/** Every kind of sound that can be played, checked at the other end of a real call. */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { newId } from '../../../src/base/ids.js'
import { mediaFiles, startHostedEngine } from '../../../src/engine/client.js'
import type { Engine, Playable } from '../../../src/engine/protocol.js'
import { findGaps, measureTone, readWav, sine, writeWav } from '../../support/audio.js'
import { engineInit, Heard, twoAccounts } from '../../support/engine-pair.js'

describe('sounds of a call, over the engine in its worker', function () {
  this.timeout(20_000)
  let engine: Engine
  let heard: Heard
  let folder: string
  let callId: string
  let calleeId: string

  beforeEach(async () => {
    const init = engineInit()
    folder = init.folder
    engine = await startHostedEngine(init)
    heard = new Heard(engine)
    const { target } = await twoAccounts(engine)
    ;({ callId } = await engine.call('dial', { accountId: 'caller', target }))
    await heard.next('call.media', (event) => event.callId === callId)
    calleeId = (await heard.next('call.incoming')).callId
    await heard.next('call.media', (event) => event.callId === calleeId)
  })

  afterEach(() => engine.close())

  const play = (source: Playable, repeat = 1) => engine.call('play', { callId, mediaId: newId(), source, repeat })

  /** The sound that the callee receives during this, without the silence before and after. */
  async function hearing(act: () => Promise<unknown>): Promise<string> {
    const file = `${newId()}.wav`
    await engine.call('startRecord', { callId: calleeId, mediaId: newId(), file })
    await act()
    await play({ kind: 'tone', hz: [50], durationMs: 200, levelDbfs: -90 })
    await engine.call('stopRecord', { callId: calleeId })
    return join(folder, file)
  }

  it('a WAV in a Buffer, with gain', async () => {
    const source = join(folder, 'prompt.wav')
    writeWav(source, sine(1000, 1000), 8000)
    const data = new Uint8Array(readFileSync(source))
    const plain = measureTone(await hearing(() => play({ kind: 'wav', data })), 1000)
    const softer = measureTone(await hearing(() => play({ kind: 'wav', data, gainDb: -10 })), 1000)
    const file = measureTone(await hearing(() => play({ kind: 'file', file: 'prompt.wav', gainDb: -10 })), 1000)
    assert.ok(plain.share >= 0.95 && plain.soundMs >= 950, `${plain.share}, ${plain.soundMs} ms`)
    for (const { rmsDbfs } of [softer, file]) {
      assert.ok(Math.abs(plain.rmsDbfs - rmsDbfs - 10) < 1, `${plain.rmsDbfs} and ${rmsDbfs} dBFS`)
    }
  })

  it('a signal, its cadence heard', async () => {
    const path = await hearing(() => play({ kind: 'signal', name: 'busy', country: 'cn', durationMs: 1400 }))
    const [samples = new Int16Array()] = readWav(path).channels
    const start = samples.findIndex((sample) => Math.abs(sample) > 1000)
    const gaps = findGaps(samples.subarray(start, start + 1400 * 8), { minMs: 200 })
    assert.equal(gaps.length, 1, 'the second one is the end')
    for (const { durationMs } of gaps) assert.ok(Math.abs(durationMs - 350) <= 25, `${durationMs} ms off`)
  })

  it('what comes second, whatever it takes to find the first', async () => {
    writeWav(join(folder, 'long.wav'), sine(1000, 3000), 8000)
    const first = play({ kind: 'file', file: 'long.wav' })
    const second = play({ kind: 'tone', hz: [500], durationMs: 200 })
    assert.deepEqual([(await first).ended, (await second).ended], ['interrupted', 'finished'])
  })

  it('to its end, also where hanging up after it is ordered at once', async () => {
    writeWav(join(folder, 'bye.wav'), sine(1000, 500), 8000)
    const last = play({ kind: 'file', file: 'bye.wav' })
    await engine.call('hangup', { callId, afterMedia: true })
    assert.deepEqual(await last, { ended: 'finished', playedMs: 500 })
  })

  it('a loop, without a gap, until it is stopped', async () => {
    let playedMs = 0
    const path = await hearing(async () => {
      const looping = play({ kind: 'tone', hz: [500], durationMs: 300 }, 0)
      await play({ kind: 'tone', hz: [50], durationMs: 20, levelDbfs: -90 }).catch(() => undefined)
      assert.equal((await looping).ended, 'interrupted')
      const mediaId = newId()
      const again = engine.call('play', {
        callId,
        mediaId,
        source: { kind: 'tone', hz: [500], durationMs: 300 },
        repeat: 0,
      })
      await engine.call('gather', {
        callId,
        bargeIn: true,
        minDigits: 1,
        maxDigits: 1,
        terminators: '',
        accept: '',
        firstDigitMs: 1500,
        interDigitMs: 1000,
        clearBuffer: false,
      })
      await engine.call('stopPlay', { callId, mediaId })
      const end = await again
      assert.equal(end.ended, 'stopped')
      playedMs = end.playedMs
    })
    assert.ok(playedMs > 3 * 300, `${playedMs} ms: more than three rounds`)
    const { soundMs, share } = measureTone(path, 500)
    assert.ok(soundMs >= playedMs - 60 && share >= 0.95, `heard ${soundMs} of ${playedMs} ms, ${share}`)
  })

  it('is refused: a Buffer without a WAV, a Buffer that is too large, an unknown signal, too much gain', async () => {
    const refused = (source: Playable, code: string) => assert.rejects(play(source), { code })
    await refused({ kind: 'wav', data: new Uint8Array(1000) }, 'BAD_AUDIO')
    await refused({ kind: 'wav', data: new Uint8Array(10 * 1024 * 1024 + 1) }, 'BAD_ARGUMENT')
    await refused({ kind: 'wav', data: 'text' as unknown as Uint8Array }, 'BAD_ARGUMENT')
    await refused({ kind: 'signal', name: 'busy', country: 'xx' as 'eu', durationMs: 100 }, 'BAD_ARGUMENT')
    await refused({ kind: 'tone', hz: [400], durationMs: 100, gainDb: 100 }, 'BAD_ARGUMENT')
    assert.equal((await play({ kind: 'tone', hz: [400], durationMs: 100 })).ended, 'finished')
  })
})

describe('files that can be played', () => {
  it('are listed by name, and checked before there is a call', async () => {
    const init = engineInit()
    mkdirSync(join(init.folder, 'sub'))
    writeWav(join(init.folder, 'sub', 'good.wav'), sine(1000, 100), 8000)
    writeFileSync(join(init.folder, 'bad.wav'), 'not a sound')
    const engine = await startHostedEngine(init)
    try {
      const files = ['bad.wav', 'sub/good.wav'].map((name) => ({ name, folder: 0 }))
      assert.deepEqual(await mediaFiles(init.mediaRoots), { folders: [init.folder], files, truncated: false })
      await engine.call('checkMedia', { file: 'sub/good.wav' })
      await assert.rejects(engine.call('checkMedia', { file: 'bad.wav' }), { code: 'BAD_AUDIO' })
      await assert.rejects(engine.call('checkMedia', { file: 'missing.wav' }), { code: 'FILE_NOT_FOUND' })
      await assert.rejects(engine.call('checkMedia', { file: '../good.wav' }), { code: 'FILE_OUTSIDE_ROOT' })
    } finally {
      await engine.close()
    }
  })
})
