/** What is heard while a call is held by us, muted, or changes its codec: two parties, real SIP and RTP. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLogger } from '../../../src/base/logger.js'
import { startMediaService } from '../../../src/media/client.js'
import type { PromptSource } from '../../../src/media/protocol.js'
import { findGaps, measureTone, readWav, rmsDbfs } from '../../support/audio.js'
import { type Conversation, Telephone, talking } from '../../support/telephone.js'

const [PROMPT_HZ, MUSIC_HZ] = [1000, 440]
const tone = (hz: number, durationMs: number): PromptSource => ({ kind: 'tone', hz: [hz], durationMs, levelDbfs: -13 })

describe('a call that we hold', function () {
  this.timeout(30_000)
  let media: ReturnType<typeof startMediaService>
  let alice: Telephone
  let bob: Telephone
  let folder: string

  before(() => {
    media = startMediaService({ log: silentLogger })
    folder = mkdtempSync(join(tmpdir(), 'ringflow-hold-'))
  })

  after(async () => {
    await media.close()
    rmSync(folder, { recursive: true })
  })

  beforeEach(async () => {
    ;[alice, bob] = await Promise.all([Telephone.open('alice', media), Telephone.open('bob', media)])
  })

  afterEach(() => Promise.all([alice.close(), bob.close()]))

  /** Records what a side hears, for this time, after the sound of before has left the jitter buffer. */
  async function heard({ call }: Conversation, name: string, ms = 500): Promise<Int16Array> {
    await new Promise((passed) => setTimeout(passed, 300))
    const path = join(folder, `${name}.wav`)
    await call.startRecord(name, path)
    await new Promise((passed) => setTimeout(passed, ms))
    await call.stopRecord(name)
    return readWav(path).channels[0] ?? new Int16Array(0)
  }

  const assertTone = (samples: Int16Array, hz: number, what: string) => {
    const { share } = measureTone(samples, hz)
    assert.ok(share >= 0.95, `${what}: ${share} of the power at ${hz} Hz`)
  }

  it('hears the music and nothing else; the prompt goes on where it was after the resume', async () => {
    const { out, in: incoming } = await talking(alice, bob)
    await Promise.all([incoming.events.first('call.media'), out.events.first('call.media')])
    const played = out.call.play('p', tone(PROMPT_HZ, 2500))
    assertTone(await heard(incoming, 'before'), PROMPT_HZ, 'before the hold')
    await out.call.hold(tone(MUSIC_HZ, 1000))
    assert.equal((await incoming.events.first('call.held')).by, 'remote')
    assert.equal((await out.events.first('call.held')).by, 'local')
    const before = (await out.call.stats()).packetsReceived
    assertTone(await heard(incoming, 'during', 1000), MUSIC_HZ, 'during the hold')
    const after = (await out.call.stats()).packetsReceived
    assert.ok(after - before <= 2, `the held side sent ${after - before} packets`)
    await out.call.resume()
    await incoming.events.first('call.resumed')
    assertTone(await heard(incoming, 'after'), PROMPT_HZ, 'after the resume')
    assert.deepEqual(await played, { ended: 'finished', playedMs: 2500 })
    await out.call.hangup()
    await incoming.call.ended
  })

  it('both sides hold and resume on their own: silence in both directions, then music, then prompts', async () => {
    const { out, in: incoming } = await talking(alice, bob)
    await Promise.all([incoming.events.first('call.media'), out.events.first('call.media')])
    await out.call.hold(tone(MUSIC_HZ, 1000))
    await incoming.call.hold(tone(700, 1000))
    assert.deepEqual(out.call.snapshot().hold, { local: true, remote: true })
    assert.deepEqual(incoming.call.snapshot().hold, { local: true, remote: true })
    const quiet = await heard(incoming, 'both')
    assert.ok(rmsDbfs(quiet) < -60, `${rmsDbfs(quiet)} dBFS while both hold`)
    await out.call.resume()
    assert.deepEqual(out.call.snapshot().hold, { local: false, remote: true })
    assertTone(await heard(out, 'music-of-bob'), 700, 'the music of the side that still holds')
    await incoming.call.resume()
    assert.deepEqual([out.call.snapshot().state, incoming.call.snapshot().state], ['answered', 'answered'])
    void incoming.call.play('p', tone(PROMPT_HZ, 5000))
    assertTone(await heard(out, 'both-resumed'), PROMPT_HZ, 'after both resumes')
    await out.call.hangup()
    await incoming.call.ended
  })

  it('crossing holds of both sides both come through (491 and again)', async () => {
    const { out, in: incoming } = await talking(alice, bob)
    await Promise.all([out.call.hold(), incoming.call.hold()])
    const bothHold = { local: true, remote: true }
    assert.deepEqual([out.call.snapshot().hold, incoming.call.snapshot().hold], [bothHold, bothHold])
    await Promise.all([out.call.resume(), incoming.call.resume()])
    assert.deepEqual([out.call.snapshot().state, incoming.call.snapshot().state], ['answered', 'answered'])
    await out.call.hangup()
    await incoming.call.ended
  })

  it('muted, the peer hears silence in the same stream, and is heard', async () => {
    const { out, in: incoming } = await talking(alice, bob)
    void out.call.play('p', tone(PROMPT_HZ, 20_000))
    void incoming.call.play('p', tone(700, 20_000))
    await Promise.all([incoming.events.first('call.media'), out.events.first('call.media')])
    out.call.mute(true)
    const [quiet, voice] = await Promise.all([heard(incoming, 'muted'), heard(out, 'muted-hears')])
    assert.ok(rmsDbfs(quiet) < -60, `${rmsDbfs(quiet)} dBFS while muted`)
    assertTone(voice, 700, 'the sound of the peer')
    out.call.mute(false)
    assertTone(await heard(incoming, 'unmuted'), PROMPT_HZ, 'after the mute')
    const { packetsLost, packetsReceived } = await incoming.call.stats()
    assert.ok(packetsReceived > 50 && packetsLost === 0)
    await out.call.hangup()
    await incoming.call.ended
  })

  it('PCMA becomes PCMU in the running call without a gap in either direction', async () => {
    const { out, in: incoming } = await talking(alice, bob)
    void out.call.play('p', tone(PROMPT_HZ, 20_000))
    void incoming.call.play('p', tone(700, 20_000))
    await Promise.all([incoming.events.first('call.media'), out.events.first('call.media')])
    const listening = Promise.all([heard(incoming, 'codec-in', 1500), heard(out, 'codec-out', 1500)])
    await new Promise((passed) => setTimeout(passed, 800))
    assert.equal(await out.call.renegotiate(['PCMU']), 'PCMU')
    for (const { events } of [out, incoming]) {
      const { codec, before } = await events.first('call.codec-changed')
      assert.deepEqual([codec, before], ['PCMU', 'PCMA'])
    }
    const [atBob, atAlice] = await listening
    for (const [samples, hz] of [
      [atBob, PROMPT_HZ],
      [atAlice, 700],
    ] as const) {
      assertTone(samples, hz, 'across the change')
      assert.deepEqual(findGaps(samples), [])
    }
    await out.call.hangup()
    assert.equal((await incoming.events.first('call.ended')).cdr.codec, 'PCMU')
  })
})
