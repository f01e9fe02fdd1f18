import assert from 'node:assert/strict'
import { join } from 'node:path'
import { newId } from '../../../src/base/ids.js'
import { startHostedEngine, startLocalEngine } from '../../../src/engine/client.js'
import type { Engine, Playable } from '../../../src/engine/protocol.js'
import { measureTone } from '../../support/audio.js'
import { BY_FLOW, engineInit, Heard, twoAccounts } from '../../support/engine-pair.js'

const KINDS = [
  ['in the caller’s thread', startLocalEngine],
  ['hosted in a worker', startHostedEngine],
] as const

for (const [name, start] of KINDS) {
  describe(`engine ${name}`, function () {
    this.timeout(20_000)
    let engine: Engine
    let heard: Heard
    let folder: string

    beforeEach(async () => {
      const init = engineInit()
      folder = init.folder
      engine = await start(init)
      heard = new Heard(engine)
    })

    afterEach(() => engine.close())

    /** Both legs of one answered call. */
    async function answeredCall() {
      const { target } = await twoAccounts(engine)
      const { callId } = await engine.call('dial', { accountId: 'caller', target, owner: 'dialler' })
      const incoming = await heard.next('call.incoming')
      await heard.next('call.answered', (event) => event.callId === callId)
      await heard.next('call.answered', (event) => event.callId === incoming.callId)
      return { callId, calleeId: incoming.callId }
    }

    it('records what the callee plays before its answer', async () => {
      const { target } = await twoAccounts(engine, BY_FLOW)
      const { callId } = await engine.call('dial', { accountId: 'caller', target })
      const incoming = await heard.next('call.incoming')
      await engine.call('early', { callId: incoming.callId })
      const { call } = await heard.next('call.early', (event) => event.callId === callId)
      assert.equal(call.state, 'early')
      await engine.call('startRecord', { callId, mediaId: newId(), file: 'early.wav' })
      const source: Playable = { kind: 'tone', hz: [425], durationMs: 1000, levelDbfs: -12 }
      await engine.call('play', { callId: incoming.callId, mediaId: newId(), source })
      const recorded = await engine.call('stopRecord', { callId })
      await engine.call('reject', { callId: incoming.callId, status: 486 })
      const { cdr, stats } = await heard.next('call.ended', (event) => event.callId === callId)
      assert.deepEqual([cdr.answeredAt, cdr.heard, stats?.heard], [null, 'sound', 'sound'])
      const { share, soundMs } = measureTone(recorded?.path ?? '', 425)
      assert.ok(share >= 0.95 && soundMs >= 700, `${soundMs} ms, ${share} of its power at 425 Hz`)
    })

    it('two accounts call each other: tones heard, digits pressed, one CDR each', async () => {
      const { callId, calleeId } = await answeredCall()
      const record = (id: string, file: string) => engine.call('startRecord', { callId: id, mediaId: newId(), file })
      await record(callId, 'caller.wav')
      await record(calleeId, 'callee.wav')
      const tone = (hz: number): Playable => ({ kind: 'tone', hz: [hz], durationMs: 1_000, levelDbfs: -12 })
      const [first] = await Promise.all([
        engine.call('play', { callId, mediaId: newId(), source: tone(1000) }),
        engine.call('play', { callId: calleeId, mediaId: newId(), source: tone(425) }),
      ])
      assert.deepEqual(first, { ended: 'finished', playedMs: 1000 })
      await engine.call('sendDigits', { callId, digits: '12#' })
      await engine.call('sendDigits', { callId: calleeId, digits: '9' })
      assert.equal(await heard.digits(calleeId, 3), '12#')
      assert.equal(await heard.digits(callId, 1), '9')
      await engine.call('hangup', { callId })
      const ended = await heard.next('call.ended', (event) => event.callId === callId)
      const endedThere = await heard.next('call.ended', (event) => event.callId === calleeId)

      assert.deepEqual([ended.end.by, ended.end.cause, endedThere.end.by], ['local', 'normal', 'remote'])
      assert.deepEqual([ended.cdr.digits, endedThere.cdr.digits], ['9', '12#'])
      assert.equal(ended.cdr.sipCallId, endedThere.cdr.sipCallId)
      assert.equal(ended.owner, 'dialler')
      assert.equal(ended.cdr.codec, 'PCMA')
      assert.ok(ended.cdr.packetsSent > 50 && ended.cdr.packetsReceived > 50)
      assert.equal(ended.cdr.recordings, join(folder, 'caller.wav'))
      const atCallee = measureTone(join(folder, 'callee.wav'), 1000)
      const atCaller = measureTone(join(folder, 'caller.wav'), 425)
      assert.ok(atCallee.share >= 0.95 && atCaller.share >= 0.95, `${atCallee.share}, ${atCaller.share}`)
      assert.ok(atCallee.soundMs >= 900 && atCaller.soundMs >= 900)
      const endings = heard.events.filter((event) => event.type === 'call.ended')
      assert.equal(endings.length, 2)
      assert.deepEqual(await engine.call('calls', null), [])
    })

    it('a flow takes a call: rings, answers, gathers a digit, hangs up', async () => {
      const { target } = await twoAccounts(engine, BY_FLOW)
      const { callId } = await engine.call('dial', { accountId: 'caller', target })
      await heard.next('call.ringing', (event) => event.callId === callId)
      const { callId: calleeId } = await heard.next('call.incoming')
      await engine.call('answer', { callId: calleeId })
      await heard.next('call.answered', (event) => event.callId === callId)
      const gathered = engine.call('gather', {
        callId: calleeId,
        bargeIn: true,
        minDigits: 1,
        maxDigits: 1,
        terminators: '#',
        accept: '',
        firstDigitMs: 5_000,
        interDigitMs: 1_000,
        clearBuffer: false,
      })
      await engine.call('sendDigits', { callId, digits: '1' })
      assert.deepEqual(await gathered, { digits: '1', terminator: '', ended: 'max-digits' })
      await engine.call('hangup', { callId: calleeId })
      const ended = await heard.next('call.ended', (event) => event.callId === callId)
      assert.deepEqual([ended.end.by, ended.end.cause], ['remote', 'normal'])
    })

    it('what is heard is sent back by echo', async () => {
      const { callId, calleeId } = await answeredCall()
      await engine.call('echo', { callId: calleeId, on: true })
      await engine.call('startRecord', { callId, mediaId: newId(), file: 'echo.wav' })
      const source: Playable = { kind: 'tone', hz: [600], durationMs: 800 }
      await engine.call('play', { callId, mediaId: newId(), source })
      await engine.call('sendDigits', { callId, digits: ',' })
      await engine.call('hangup', { callId })
      await heard.next('call.ended', (event) => event.callId === callId)
      const echoed = measureTone(join(folder, 'echo.wav'), 600)
      assert.ok(echoed.share >= 0.95 && echoed.soundMs > 600, `${echoed.share}, ${echoed.soundMs} ms`)
    })

    it('rejects, cancels and misses calls with the right words', async () => {
      const { target } = await twoAccounts(engine, BY_FLOW)
      const { callId: refused } = await engine.call('dial', { accountId: 'caller', target })
      const incoming = await heard.next('call.incoming')
      await engine.call('reject', { callId: incoming.callId, status: 486 })
      const busy = await heard.next('call.ended', (event) => event.callId === refused)
      assert.deepEqual([busy.end.by, busy.end.cause, busy.end.sipCode], ['remote', 'busy', 486])

      const { callId: cancelled } = await engine.call('dial', { accountId: 'caller', target })
      await heard.next('call.ringing', (event) => event.callId === cancelled)
      await engine.call('hangup', { callId: cancelled })
      const given = await heard.next('call.ended', (event) => event.callId === cancelled)
      assert.equal(given.end.cause, 'cancelled')
      const missed = await heard.next(
        'call.ended',
        ({ call, end }) => call.direction === 'inbound' && end.by === 'remote',
      )
      assert.equal(missed.end.cause, 'cancelled')

      const { callId: unanswered } = await engine.call('dial', { accountId: 'caller', target, ringTimeoutMs: 300 })
      const noAnswer = await heard.next('call.ended', (event) => event.callId === unanswered)
      assert.equal(noAnswer.end.cause, 'no-answer')
    })

    it('a listener that alters an event does not alter the call', async () => {
      engine.on('call', ({ call }) => {
        call.from.user = 'altered'
        call.tags.altered = true
      })
      const { callId } = await answeredCall()
      const [dialled] = (await engine.call('calls', null)).filter(({ id }) => id === callId)
      assert.deepEqual([dialled?.from.user, dialled?.tags], ['caller', {}])
    })

    it('refuses wrong commands with a code and goes on', async () => {
      const { target } = await twoAccounts(engine)
      const withCode = (code: string) => (error: unknown) => (error as { code?: string }).code === code
      await assert.rejects(engine.call('dial', { accountId: 'caller', target: 'x\r\ny' }), withCode('BAD_TARGET'))
      const headers = { 'X-Evil': 'a\r\nB: c' }
      await assert.rejects(engine.call('dial', { accountId: 'caller', target, headers }), withCode('BAD_HEADER'))
      const { callId } = await answeredCall()
      const play = (file: string) => engine.call('play', { callId, mediaId: newId(), source: { kind: 'file', file } })
      await assert.rejects(play('missing.wav'), withCode('FILE_NOT_FOUND'))
      await assert.rejects(play('../../etc/passwd'), withCode('FILE_OUTSIDE_ROOT'))
      await assert.rejects(play('file:///etc/passwd'), withCode('FILE_OUTSIDE_ROOT'))
      const outside = engine.call('startRecord', { callId, mediaId: newId(), file: '../x.wav' })
      await assert.rejects(outside, withCode('FILE_OUTSIDE_ROOT'))
      assert.equal((await engine.call('calls', null)).length, 2)
    })

    it('hangs up everything when it is closed, and can be closed twice', async () => {
      await answeredCall()
      const other = await startLocalEngine(engineInit())
      const remote = new Heard(other)
      const { target } = await twoAccounts(other)
      const { callId } = await engine.call('dial', { accountId: 'caller', target })
      await heard.next('call.answered', (event) => event.callId === callId)
      await Promise.all([engine.close(), engine.close()])
      const ended = await remote.next('call.ended')
      assert.deepEqual([ended.end.by, ended.end.cause], ['remote', 'normal'])
      await assert.rejects(engine.call('calls', null), (error: { code?: string }) => error.code === 'CLOSED')
      await other.close()
    })
  })
}
