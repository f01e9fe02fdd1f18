import assert from 'node:assert/strict'
import { TelephonyError } from '../../../src/base/errors.js'
import type { PromptSource } from '../../../src/media/protocol.js'
import { sdpBody } from '../../support/fake-user-agent.js'
import {
  dialled,
  dialledAndAnswered,
  dialledWithEarlyMedia,
  incoming,
  incomingAnswered,
  peerSdp,
} from './call-fixture.js'

const file: PromptSource = { kind: 'file', path: '/media/a.wav' }

describe('play', () => {
  it('resolves and is told when the sound has ended', async () => {
    const scene = await dialledAndAnswered()
    const played = scene.call.play('m1', file, 3)
    assert.deepEqual([scene.session.play0.source, scene.session.play0.repeat], [file, 3])
    scene.session.play0.end('finished')
    assert.deepEqual(await played, { ended: 'finished', playedMs: 100 })
    const { mediaId, ended, playedMs } = scene.last('call.play-ended')
    assert.deepEqual([mediaId, ended, playedMs], ['m1', 'finished', 100])
  })

  it('is stopped by its id, or without one', async () => {
    const { call, session } = await dialledAndAnswered()
    const first = call.play('m1', file)
    call.stopPlay('other')
    assert.equal(session.play0.state, 'playing')
    call.stopPlay('m1')
    assert.equal((await first).ended, 'stopped')
    const second = call.play('m2', file)
    call.stopPlay()
    assert.equal((await second).ended, 'stopped')
    call.stopPlay()
  })

  it('rejects with the error of the file, without an event', async () => {
    const { call, session, types } = await dialledAndAnswered()
    const played = call.play('m1', file)
    session.play0.fail(new TelephonyError('FILE_NOT_FOUND', 'no such file'))
    await assert.rejects(played, { code: 'FILE_NOT_FOUND' })
    assert.deepEqual(types, ['call.trying', 'call.answered'])
  })

  it('sounds into early media, but not before there is any', async () => {
    const trying = await dialled()
    await assert.rejects(trying.call.play('m1', file), { code: 'WRONG_STATE' })
    const undecided = incoming()
    await assert.rejects(undecided.call.play('m1', file), { code: 'WRONG_STATE' })
    const early = await dialledWithEarlyMedia()
    early.call.play('m1', file)
    assert.equal(early.session.plays.length, 1)
  })

  it('counts its repeats', async () => {
    const { call } = await dialledAndAnswered()
    await assert.rejects(call.play('m1', file, -1), { code: 'BAD_ARGUMENT' })
    await assert.rejects(call.play('m1', file, 1.5), { code: 'BAD_ARGUMENT' })
  })

  it('ends as hangup before the call is told as ended', async () => {
    const { call, types } = await dialledAndAnswered()
    const played = call.play('m1', file)
    await call.hangup()
    assert.equal((await played).ended, 'hangup')
    assert.deepEqual(types, ['call.trying', 'call.answered', 'call.play-ended', 'call.ended'])
  })
})

describe('hangup after media', () => {
  it('waits for the sound and the digits in progress', async () => {
    const { call, session, dialog } = await dialledAndAnswered()
    session.happen('started')
    void call.play('m1', file)
    void call.sendDigits('12')
    const hungUp = call.hangup({ afterMedia: true, reason: 'said it all' })
    session.play0.end('finished')
    await new Promise(setImmediate)
    assert.equal(dialog.byes, 0)
    session.digitsSent[0]?.finish('finished')
    await hungUp
    assert.equal(dialog.byes, 1)
    assert.equal((await call.ended).reason, 'said it all')
  })

  it('waits for a play that follows upon the first', async () => {
    const { call, session, dialog } = await dialledAndAnswered()
    void call.play('m1', file)
    const hungUp = call.hangup({ afterMedia: true })
    void call.play('m2', file)
    await new Promise(setImmediate)
    assert.equal(dialog.byes, 0)
    session.plays[1]?.end('finished')
    await hungUp
  })

  it('does not wait for sound that never ends, nor where there is none', async () => {
    const endless = await dialledAndAnswered()
    void endless.call.play('m1', file, 0)
    assert.equal(endless.session.play0.repeat, 0)
    await endless.call.hangup({ afterMedia: true })
    const undecided = incoming()
    await undecided.call.hangup({ afterMedia: true })
    assert.equal(undecided.invite.rejects[0]?.status, 603)
  })

  it('refuses for itself alone where nobody is left to decide: 480, so that other telephones ring on', async () => {
    const undecided = incoming()
    await undecided.call.hangup({ abandoned: true, reason: 'gone' })
    assert.equal(undecided.invite.rejects[0]?.status, 480)
    const answered = await dialledAndAnswered()
    await answered.call.hangup({ abandoned: true })
    assert.equal((await answered.call.ended).cause, 'normal')
  })

  it('is over when the peer hangs up meanwhile, and a hangup at once overtakes it', async () => {
    const { call } = await dialledAndAnswered()
    void call.play('m1', file)
    const patient = call.hangup({ afterMedia: true, reason: 'patient' })
    await call.hangup({ reason: 'at once' })
    await patient
    assert.equal((await call.ended).reason, 'at once')
  })
})

describe('record', () => {
  it('is told when it ends, by itself, by command or with the call', async () => {
    const scene = await dialledAndAnswered()
    await scene.call.startRecord('r1', '/rec/1.wav')
    scene.session.recordings[0]?.end('finished')
    await new Promise(setImmediate)
    assert.equal(scene.last('call.record-ended').ended, 'finished')
    await scene.call.startRecord('r2', '/rec/2.wav')
    assert.deepEqual(await scene.call.stopRecord('r2'), { path: '/rec/2.wav', durationMs: 1000, octets: 16_044 })
    await scene.call.startRecord('r3', '/rec/3.wav')
    await scene.call.hangup()
    const { mediaId, ended, path, durationMs, octets } = scene.last('call.record-ended')
    assert.deepEqual([mediaId, ended, path, durationMs, octets], ['r3', 'hangup', '/rec/3.wav', 1000, 16_044])
    assert.equal(scene.types.at(-1), 'call.ended')
    assert.equal(scene.last('call.ended').cdr.recordings, '/rec/1.wav;/rec/2.wav;/rec/3.wav')
  })

  it('without a name stops the oldest, and nothing where nothing is recorded', async () => {
    const { call } = await dialledAndAnswered()
    assert.equal(await call.stopRecord(), null)
    await call.startRecord('r1', '/rec/1.wav')
    await call.startRecord('r2', '/rec/2.wav')
    await assert.rejects(call.startRecord('r2', '/rec/3.wav'), { code: 'BAD_ARGUMENT' })
    assert.equal((await call.stopRecord())?.path, '/rec/1.wav')
    assert.equal(await call.stopRecord('none'), null)
  })
})

describe('send digits', () => {
  it('takes the account’s tone length unless told another, and resolves when they have left', async () => {
    const { call, session } = await dialledAndAnswered()
    session.happen('started')
    const sent = call.sendDigits('1a#')
    void call.sendDigits('2', { toneMs: 80, gapMs: 40 })
    const [first, second] = session.digitsSent
    assert.deepEqual([first?.digits, first?.toneMs, first?.gapMs], ['1A#', 160, undefined])
    assert.deepEqual([second?.toneMs, second?.gapMs], [80, 40])
    first?.finish('finished')
    assert.equal(await sent, 'finished')
  })

  for (const [way, answer] of [
    ['that we placed', dialledAndAnswered],
    ['that we answered', incomingAnswered],
  ] as const) {
    it(`wait with the first one of a call ${way} until sound has come from the peer`, async () => {
      const { call, session, clock } = await answer()
      const sent = [call.sendDigits('1'), call.sendDigits('2')]
      clock.advance(250)
      await new Promise(setImmediate)
      assert.equal(session.digitsSent.length, 0)
      session.happen('started')
      await new Promise(setImmediate)
      const inOrder = session.digitsSent.map(({ digits }) => digits)
      assert.deepEqual(inOrder, ['1', '2'])
      void call.sendDigits('3')
      assert.equal(session.digitsSent.length, 3, 'later ones go at once')
      for (const { finish } of session.digitsSent) finish('finished')
      assert.deepEqual(await Promise.all(sent), ['finished', 'finished'])
    })

    it(`wait no longer than 300 ms after the answer of a call ${way}`, async () => {
      const { call, session, clock } = await answer()
      clock.advance(200)
      void call.sendDigits('1')
      clock.advance(99)
      await new Promise(setImmediate)
      assert.equal(session.digitsSent.length, 0)
      clock.advance(1)
      await new Promise(setImmediate)
      assert.equal(session.digitsSent.length, 1)
    })
  }

  it('go at once into early media, and after an answer whose peer was heard before', async () => {
    const { call, session, userAgent } = await dialledWithEarlyMedia()
    void call.sendDigits('1')
    assert.equal(session.digitsSent.length, 1)
    session.happen('started')
    userAgent.invite0.answer(sdpBody(peerSdp()))
    void call.sendDigits('2')
    assert.equal(session.digitsSent.length, 2)
  })

  it('that wait are waited for by a hangup after media', async () => {
    const { call, clock, dialog, session } = await dialledAndAnswered()
    void call.sendDigits('1')
    void call.hangup({ afterMedia: true })
    clock.advance(300)
    await new Promise(setImmediate)
    assert.equal(dialog.byes, 0)
    session.digitsSent[0]?.finish('finished')
    await call.ended
    assert.equal(dialog.byes, 1)
  })

  it('that wait when the call ends are not sent, and the sender is told', async () => {
    const { call, clock, session } = await dialledAndAnswered()
    const sent = call.sendDigits('1')
    await call.hangup()
    assert.equal(await sent, 'hangup')
    assert.deepEqual(session.digitsSent, [])
    assert.equal(clock.pending, 0)
  })

  it('refuses characters that are not digits', async () => {
    const { call } = await dialledAndAnswered()
    for (const digits of ['', 'E', '1 2', '1\r\n', '1'.repeat(129)]) {
      await assert.rejects(call.sendDigits(digits), { code: 'BAD_ARGUMENT' }, JSON.stringify(digits))
    }
  })
})

describe('tags', () => {
  it('replace the earlier tags, are part of the snapshot and the CDR, and are a copy', async () => {
    const scene = await dialledAndAnswered()
    const tags = { list: [1] }
    scene.call.setTags(tags)
    tags.list.push(2)
    assert.deepEqual(scene.call.snapshot().tags, { list: [1] })
    await scene.call.hangup()
    assert.equal(scene.last('call.ended').cdr.tags, '{"list":[1]}')
    assert.throws(() => scene.call.setTags({}), { code: 'CALL_ENDED' })
  })

  it('are JSON objects of at most 4 kB', async () => {
    const { call } = await dialledAndAnswered()
    const circular: Record<string, unknown> = {}
    circular.self = circular
    for (const bad of [circular, { text: 'é'.repeat(2048) }, { n: 1n }, [] as never, null as never, 'x' as never]) {
      assert.throws(() => call.setTags(bad), { code: 'BAD_ARGUMENT' })
    }
    call.setTags({ text: 'é'.repeat(2000) })
    call.setTags(JSON.parse('{"__proto__":{"a":1}}'))
    assert.deepEqual(Object.keys(call.snapshot().tags), ['__proto__'])
  })
})

describe('stats', () => {
  it('are media’s, while there is any', async () => {
    const { call } = await dialledAndAnswered()
    assert.equal((await call.stats()).packetsReceived, 498)
    await call.hangup()
    await assert.rejects(call.stats(), { code: 'CALL_ENDED' })
  })
})

describe('events', () => {
  it('are plain data that can cross to another thread', async () => {
    const { events } = await dialledAndAnswered()
    assert.deepEqual(structuredClone(events), events)
  })
})
