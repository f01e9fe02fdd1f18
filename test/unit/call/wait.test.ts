/** A wait in a call: what ends it, and what it leaves behind. */
import assert from 'node:assert/strict'
import type { GatherRules, WaitFor } from '../../../src/call/call.js'
import { sdpBody } from '../../support/fake-user-agent.js'
import { dialled, dialledAndAnswered, peerSdp, type Scene } from './call-fixture.js'

const digit = (accept = ''): WaitFor => ({ kind: 'digit', accept })
const press = ({ session }: Scene, digits: string) => {
  for (const one of digits) session.happen('digit', one, 100)
}
const rules: GatherRules = {
  bargeIn: true,
  minDigits: 1,
  maxDigits: 4,
  terminators: '',
  accept: '',
  firstDigitMs: 100,
  interDigitMs: 100,
  clearBuffer: false,
}
const TIMEOUT = { outcome: 'timeout', digit: '' }
const CALL_ENDED = { outcome: 'call-ended', digit: '' }
const HAPPENED = { outcome: 'happened', digit: '' }

describe('a wait in a call', () => {
  it('for a digit ends with the next one, and leaves no timer and no reader', async () => {
    const scene = await dialledAndAnswered()
    const waiting = scene.call.wait(digit(), 5_000)
    press(scene, '7')
    assert.deepEqual(await waiting, { outcome: 'happened', digit: '7' })
    assert.equal(scene.clock.pending, 0)
    press(scene, '8')
    assert.deepEqual(await scene.call.wait(digit(), 5_000), { outcome: 'happened', digit: '8' })
  })

  it('for one of some digits takes one that was pressed before, drops the others, and leaves the rest for a gather', async () => {
    const scene = await dialledAndAnswered()
    press(scene, '3125')
    assert.deepEqual(await scene.call.wait(digit('12'), 5_000), { outcome: 'happened', digit: '1' })
    const gather = scene.call.gather(rules)
    scene.clock.advance(100)
    assert.equal((await gather).digits, '25')
  })

  it('a digit has one reader: a second wait and a gather are refused until the first has ended', async () => {
    const scene = await dialledAndAnswered()
    const waiting = scene.call.wait(digit('1'), 5_000)
    await assert.rejects(scene.call.wait(digit(), 5_000), { code: 'WRONG_STATE' })
    await assert.rejects(scene.call.gather(rules), { code: 'WRONG_STATE' })
    scene.clock.advance(5_000)
    assert.deepEqual(await waiting, TIMEOUT)
    const gather = scene.call.gather(rules)
    await assert.rejects(scene.call.wait(digit(), 5_000), { code: 'WRONG_STATE' })
    press(scene, '4444')
    assert.equal((await gather).digits, '4444')
  })

  it('for the answer', async () => {
    const scene = await dialled()
    const waiting = scene.call.wait({ kind: 'answer' }, 5_000)
    const other = await dialled()
    const late = other.call.wait({ kind: 'answer' }, 5_000)
    scene.userAgent.invite0.answer(sdpBody(peerSdp()))
    assert.deepEqual(await waiting, HAPPENED)
    other.clock.advance(5_000)
    assert.deepEqual(await late, TIMEOUT)
    assert.deepEqual(await scene.call.wait({ kind: 'answer' }, 1), HAPPENED, 'an answered call')
  })

  it('for silence watches the level in the media worker, and ends the watch in every case', async () => {
    const scene = await dialledAndAnswered()
    const waiting = scene.call.wait({ kind: 'silence', quietMs: 2_000 }, 5_000)
    const [watch] = scene.session.lullWatches
    assert.equal(watch?.limitMs, 2_000)
    watch?.happen()
    assert.deepEqual(await waiting, HAPPENED)
    assert.equal(scene.session.lullWatches.size, 0)
    const late = scene.call.wait({ kind: 'silence', quietMs: 2_000 }, 5_000)
    scene.clock.advance(5_000)
    assert.deepEqual(await late, TIMEOUT)
    assert.equal(scene.session.lullWatches.size, 0)
  })

  it('for the end of media: at once if nothing is sent, else when the play has ended or an endless one was stopped', async () => {
    const scene = await dialledAndAnswered()
    assert.deepEqual(await scene.call.wait({ kind: 'media-end' }, 5_000), HAPPENED)
    for (const repeat of [1, 0]) {
      const played = scene.call.play('p', { kind: 'file', path: '/a.wav' }, repeat)
      const waiting = scene.call.wait({ kind: 'media-end' }, 5_000)
      let isOver = false
      void waiting.then(() => (isOver = true))
      await new Promise(setImmediate)
      assert.equal(isOver, false)
      scene.session.plays.at(-1)?.end(repeat === 0 ? 'stopped' : 'finished')
      await played
      assert.deepEqual(await waiting, HAPPENED)
    }
  })

  it('for the end of the call; other waits say that the call has ended', async () => {
    const scene = await dialledAndAnswered()
    void scene.call.play('p', { kind: 'file', path: '/a.wav' }, 0)
    const whats: WaitFor[] = [digit(), { kind: 'silence', quietMs: 500 }, { kind: 'media-end' }]
    const waits = whats.map((what) => scene.call.wait(what, 60_000))
    const end = scene.call.wait({ kind: 'end' }, 60_000)
    await scene.call.hangup()
    assert.deepEqual(await end, HAPPENED)
    assert.deepEqual(await Promise.all(waits), [CALL_ENDED, CALL_ENDED, CALL_ENDED])
    const unanswered = await dialled()
    const answer = unanswered.call.wait({ kind: 'answer' }, 60_000)
    await unanswered.call.hangup()
    assert.deepEqual(await answer, CALL_ENDED)
  })

  it('is an action: the call is not abandoned meanwhile', async () => {
    const scene = await dialledAndAnswered({ abandonedAfterMs: 10_000 })
    const waiting = scene.call.wait({ kind: 'end' }, 60_000)
    for (let second = 0; second < 60; second++) scene.clock.advance(1_000)
    assert.deepEqual(await waiting, TIMEOUT)
    assert.ok(!scene.types.includes('call.idle'), 'no warning that the call is idle')
  })

  it('refuses times that are not valid, and silence before there is sound', async () => {
    const scene = await dialledAndAnswered()
    for (const limitMs of [0, -1, Number.NaN, 86_400_001])
      await assert.rejects(scene.call.wait({ kind: 'end' }, limitMs), { code: 'BAD_ARGUMENT' })
    await assert.rejects(scene.call.wait({ kind: 'silence', quietMs: 0 }, 1_000), { code: 'BAD_ARGUMENT' })
    const unanswered = await dialled()
    await assert.rejects(unanswered.call.wait({ kind: 'silence', quietMs: 500 }, 1_000), { code: 'WRONG_STATE' })
  })
})
