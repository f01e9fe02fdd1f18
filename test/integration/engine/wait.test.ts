/** Waits of one engine in a call with another engine: what they are for happens on the wire. */
import assert from 'node:assert/strict'
import { startLocalEngine } from '../../../src/engine/client.js'
import type { Engine, Playable, WaitFor } from '../../../src/engine/protocol.js'
import { ANSWER, engineInit, Heard, loopbackAccount } from '../../support/engine-pair.js'
import { until } from '../../support/wait.js'

describe('waits in a call between two engines', function () {
  this.timeout(20_000)
  let here: Engine
  let there: Engine
  let callId: string
  let theirs: string
  let theyHeard: Heard

  beforeEach(async () => {
    ;[here, there] = await Promise.all([startLocalEngine(engineInit()), startLocalEngine(engineInit())])
    theyHeard = new Heard(there)
    await here.call('setAccount', loopbackAccount('caller'))
    const { local } = await there.call('setAccount', loopbackAccount('callee', { inboundFrom: 'anyone' }))
    await there.call('setInbound', { accountId: 'callee', rule: { ...ANSWER, mode: 'flow' } })
    ;({ callId } = await here.call('dial', { accountId: 'caller', target: `sip:callee@${local.host}:${local.port}` }))
    theirs = (await theyHeard.next('call.incoming')).callId
  })

  afterEach(() => Promise.all([here.close(), there.close()]))

  const wait = (what: WaitFor, limitMs = 10_000) => here.call('wait', { callId, what, limitMs })
  const tone = (durationMs: number): Playable => ({ kind: 'tone', hz: [440], durationMs, levelDbfs: -20 })

  it('the answer, two keys of which the second came before its wait, and the end', async () => {
    const answered = wait({ kind: 'answer' })
    await there.call('answer', { callId: theirs })
    assert.deepEqual(await answered, { outcome: 'happened', digit: '' })
    const key = wait({ kind: 'digit', accept: '12' })
    await there.call('sendDigits', { callId: theirs, digits: '927' })
    assert.deepEqual(await key, { outcome: 'happened', digit: '2' })
    assert.deepEqual(await wait({ kind: 'digit', accept: '' }), { outcome: 'happened', digit: '7' })
    const ended = wait({ kind: 'end' })
    const noKey = wait({ kind: 'digit', accept: '' })
    await there.call('hangup', { callId: theirs })
    assert.deepEqual(await ended, { outcome: 'happened', digit: '' })
    assert.deepEqual(await noKey, { outcome: 'call-ended', digit: '' })
    assert.deepEqual(await wait({ kind: 'end' }), { outcome: 'happened', digit: '' }, 'of a call that has ended')
    assert.deepEqual(await wait({ kind: 'answer' }), { outcome: 'call-ended', digit: '' })
    await assert.rejects(here.call('wait', { callId: 'none', what: { kind: 'end' }, limitMs: 1 }), { code: 'NO_CALL' })
  })

  it('silence begins when the tone of the other engine ends; the end of our own sound', async () => {
    await there.call('answer', { callId: theirs })
    await wait({ kind: 'answer' })
    const endless = there.call('play', { callId: theirs, mediaId: 'p', source: tone(1_000), repeat: 0 })
    await until(async () => ((await here.call('stats', { callId })).levelDbfs ?? -96) > -40, 'the tone to be heard')
    assert.equal((await wait({ kind: 'silence', quietMs: 600 }, 1_500)).outcome, 'timeout', 'while the tone plays')
    const quiet = wait({ kind: 'silence', quietMs: 200 })
    await there.call('stopPlay', { callId: theirs })
    await endless
    assert.equal((await quiet).outcome, 'happened')
    const order: string[] = []
    const played = here.call('play', { callId, mediaId: 'q', source: tone(300) }).then(() => order.push('played'))
    await wait({ kind: 'media-end' }).then(() => order.push('waited'))
    await played
    assert.deepEqual(order.toSorted(), ['played', 'waited'])
  })
})
