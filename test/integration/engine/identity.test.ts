/** Who calls, why a call ends, and keys by INFO, from engine to engine over real sockets. */
import assert from 'node:assert/strict'
import { startLocalEngine } from '../../../src/engine/client.js'
import type { DialCommand, Engine } from '../../../src/engine/protocol.js'
import { BY_FLOW, engineInit, Heard, loopbackAccount, twoAccounts } from '../../support/engine-pair.js'

describe('identity and reasons, engine to engine', () => {
  let engine: Engine
  let heard: Heard
  let target: string

  before(async () => {
    engine = await startLocalEngine(engineInit())
  })

  after(() => engine.close())

  beforeEach(async () => {
    heard = new Heard(engine)
    ;({ target } = await twoAccounts(engine, { ...BY_FLOW, autoAnswer: true }, { exposeHeaders: ['From', 'X-Ticket'] }))
  })

  async function called(command: Partial<DialCommand> = {}) {
    const { callId } = await engine.call('dial', { accountId: 'caller', target, ...command })
    const incoming = await heard.next('call.incoming')
    return { callId, incoming: incoming.call }
  }

  const endOf = (callId: string) => heard.next('call.ended', (event) => event.callId === callId)

  it('a caller ID is in From, or asserted; the account goes on to be the one that is authenticated', async () => {
    const shown = await called({ callerId: '+49 30 999', headers: { 'X-Ticket': '7' } })
    assert.equal(shown.incoming.from.uri, 'sip:+4930999@127.0.0.1')
    assert.equal(shown.incoming.headers['X-Ticket'], '7')
    assert.equal(shown.incoming.identity, null)
    await engine.call('hangup', { callId: shown.callId })
    await endOf(shown.callId)

    await engine.call('setAccount', loopbackAccount('caller', { callerIdBy: 'pai' }))
    heard = new Heard(engine)
    const asserted = await called({ callerId: '4711' })
    assert.equal(asserted.incoming.from.uri, 'sip:caller@127.0.0.1')
    assert.deepEqual(asserted.incoming.identity?.asserted, ['sip:4711@127.0.0.1'])
    await engine.call('hangup', { callId: asserted.callId })
    await endOf(asserted.callId)
  })

  it('a hidden caller is anonymous to the called party, in the whole dialog', async () => {
    const { callId, incoming } = await called({ hideCallerId: true, callerName: 'Alice' })
    assert.deepEqual(incoming.from, {
      uri: 'sip:anonymous@anonymous.invalid',
      user: 'anonymous',
      displayName: 'Anonymous',
    })
    assert.deepEqual(incoming.identity?.privacy, ['id'])
    const answered = heard.next('call.answered', (event) => event.callId === callId)
    await engine.call('answer', { callId: incoming.id })
    await answered
    await engine.call('hangup', { callId })
    assert.equal((await endOf(incoming.id)).end.cause, 'normal')
  })

  it('an address that cannot be called is refused before anything is sent', async () => {
    for (const wrong of [{ callerId: 'a\r\nb' }, { diverted: [{ target: '<x>' }] }]) {
      const dialled = engine.call('dial', { accountId: 'caller', target, ...wrong })
      await assert.rejects(dialled, { code: 'BAD_ARGUMENT' })
    }
    assert.deepEqual(await engine.call('calls', null), [])
  })

  it('a diverted call tells where it comes from', async () => {
    const { callId, incoming } = await called({
      diverted: [{ target: '2000', reason: 'no-answer' }, { target: 'sip:1000@pbx.example.com' }],
    })
    assert.deepEqual(incoming.identity?.diversion, [
      { uri: 'sip:2000@127.0.0.1', reason: 'no-answer' },
      { uri: 'sip:1000@pbx.example.com', reason: 'unknown' },
    ])
    assert.deepEqual(
      incoming.identity?.history.map(({ index, cause }) => [index, cause]),
      [
        ['1', null],
        ['1.1', 404],
        ['1.1.1', 408],
      ],
    )
    await engine.call('hangup', { callId })
  })

  it('an intercom call is answered without a decision', async () => {
    const { callId, incoming } = await called({ autoAnswer: true })
    assert.equal(incoming.alert?.autoAnswer, true)
    await heard.next('call.answered', (event) => event.callId === callId)
    await engine.call('hangup', { callId })
    await endOf(incoming.id)
  })

  it('the reason of a hangup is in the end of the other side: CANCEL and BYE', async () => {
    const ringing = await called()
    await engine.call('hangup', { callId: ringing.callId, reason: 'changed my mind' })
    const cancelled = await endOf(ringing.incoming.id)
    assert.deepEqual(cancelled.end.reasons, [{ protocol: 'SIP', cause: 487, text: 'changed my mind' }])
    assert.equal(cancelled.end.cause, 'cancelled')

    heard = new Heard(engine)
    const { callId, incoming } = await called()
    await engine.call('answer', { callId: incoming.id })
    await engine.call('hangup', { callId: incoming.id, reason: 'Q.850;cause=31' })
    const ended = await endOf(callId)
    assert.deepEqual(ended.end.reasons, [{ protocol: 'Q.850', cause: 31, text: '' }])
  })

  it('keys by INFO are keys of the call, once each, and gathered as any other', async () => {
    const { callId, incoming } = await called()
    await engine.call('answer', { callId: incoming.id })
    await heard.next('call.media', (event) => event.callId === incoming.id)
    const sent = await engine.call('sendDigits', { callId, digits: '1#', mode: 'info', toneMs: 50, gapMs: 30 })
    assert.equal(sent, 'finished')
    assert.equal(await heard.digits(incoming.id, 2), '1#')
    await engine.call('sendDigits', { callId, digits: '22', mode: 'rfc4733', toneMs: 50, gapMs: 30 })
    assert.equal(await heard.digits(incoming.id, 4), '1#22')
    await engine.call('hangup', { callId })
    assert.equal((await endOf(incoming.id)).cdr.digits, '1#22')
  })
})
