/** Several targets called together, from engine to engine over real sockets. */
import assert from 'node:assert/strict'
import { startLocalEngine } from '../../../src/engine/client.js'
import type { DialGroupCommand, Engine, Playable } from '../../../src/engine/protocol.js'
import { ANSWER, BY_FLOW, engineInit, Heard, loopbackAccount } from '../../support/engine-pair.js'

describe('a group of targets, engine to engine', () => {
  let engine: Engine
  let heard: Heard
  const targets: Record<string, string> = {}

  before(async () => {
    engine = await startLocalEngine(engineInit())
    await engine.call('setAccount', loopbackAccount('caller'))
    for (const [id, rule] of [
      ['desk', BY_FLOW],
      ['mobile', BY_FLOW],
      ['mailbox', ANSWER],
      ['busy', { ...BY_FLOW, mode: 'reject', rejectStatus: 486 }],
    ] as const) {
      const { local } = await engine.call('setAccount', loopbackAccount(id))
      await engine.call('setInbound', { accountId: id, rule })
      targets[id] = `sip:${id}@${local.host}:${local.port}`
    }
  })

  after(() => engine.close())

  beforeEach(() => {
    heard = new Heard(engine)
  })

  const dial = (names: readonly string[], command: Partial<DialGroupCommand> = {}) =>
    engine.call('dialGroup', {
      accountId: 'caller',
      strategy: 'all',
      targets: names.map((name) => ({ target: targets[name] ?? name })),
      ...command,
    })
  const at = (id: string) => heard.next('call.incoming', (event) => event.call.account.id === id)
  const endAt = (id: string) => heard.next('call.ended', (event) => event.call.account.id === id)

  it('the first answer wins; the others show no missed call, and every call tells its group', async () => {
    const result = dial(['desk', 'mobile', 'busy'], { groupId: 'g1', tags: { alarm: 7 } })
    const [desk] = await Promise.all([at('desk'), at('mobile'), endAt('busy')])
    await engine.call('answer', { callId: desk.callId })
    const { groupId, callId, attempts } = await result
    assert.equal(groupId, 'g1')
    assert.ok(callId)
    assert.equal((await endAt('mobile')).end.cause, 'completed-elsewhere')
    assert.equal(attempts.find(({ callId: each }) => each === callId)?.target, targets.desk)
    const ours = heard.events.filter(({ call }) => call.direction === 'outbound')
    assert.ok(ours.every(({ call }) => call.group === 'g1' && call.tags.alarm === 7))
    assert.equal(heard.events.find(({ call }) => call.direction === 'inbound')?.call.group, null)
    await engine.call('hangup', { callId })
    await endAt('desk')
  })

  it('a mailbox answers first and hears the prompt, but the person who presses 1 wins', async () => {
    const prompt: Playable = { kind: 'tone', hz: [440], durationMs: 200 }
    const result = dial(['mailbox', 'mobile'], { confirm: { digit: '1', prompt, timeoutMs: 20_000 } })
    const mobile = await at('mobile')
    const answered = await heard.next('call.answered', (event) => event.call.account.id === 'mailbox')
    await heard.next('call.media', (event) => event.callId === answered.callId)
    await engine.call('answer', { callId: mobile.callId })
    await heard.next('call.media', (event) => event.callId === mobile.callId)
    await engine.call('sendDigits', { callId: mobile.callId, digits: '1' })
    const { callId, attempts } = await result
    assert.deepEqual(
      attempts.map(({ outcome }) => outcome === 'answered'),
      [false, true],
    )
    const { end } = await endAt('mailbox')
    assert.deepEqual(end.reasons, [{ protocol: 'SIP', cause: 200, text: 'Call completed elsewhere' }])
    await engine.call('hangup', { callId: callId ?? '' })
    await endAt('mobile')
  })

  it('in order, with digits after the answer: busy leads to the next one, which hears them', async () => {
    const result = dial([], {
      strategy: 'in-order',
      targets: [{ target: targets.busy ?? '' }, { target: targets.mailbox ?? '', digits: '12' }],
    })
    const { callId, attempts } = await result
    assert.equal(attempts[0]?.end?.cause, 'busy')
    const { callId: mailbox } = await heard.next('call.answered', (event) => event.call.account.id === 'mailbox')
    assert.equal(await heard.digits(mailbox, 2), '12')
    await engine.call('hangup', { callId: callId ?? '' })
    await endAt('mailbox')
  })

  it('is cancelled by command, and refused with wrong settings', async () => {
    const result = dial(['desk', 'mobile'], { groupId: 'g2' })
    await Promise.all([at('desk'), at('mobile')])
    await engine.call('cancelGroup', { groupId: 'g2', reason: 'no longer needed' })
    const { callId, end } = await result
    assert.deepEqual([callId, end?.cause, end?.reason], [null, 'cancelled', 'no longer needed'])
    assert.equal((await endAt('desk')).end.reasons?.[0]?.text, 'no longer needed')
    await endAt('mobile')
    for (const wrong of [
      { targets: [] },
      { targets: [{ target: '1', digits: 'x' }] },
      { confirm: { digit: '12', timeoutMs: 1 } },
    ])
      await assert.rejects(dial(['desk'], wrong), { code: 'BAD_ARGUMENT' })
    await assert.rejects(dial(['not a number'], {}), { code: 'BAD_TARGET' })
    assert.deepEqual(await engine.call('calls', null), [])
  })
})
