/** We transfer the peer (RFC 3515, 5589): REFER, the reports of the peer, and how the call ends or goes on. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { TransferResult } from '../../../src/call/call.js'
import { request, response } from '../../support/fake-user-agent.js'
import { turn } from '../../support/memory-wire.js'
import { dialledAndAnswered } from './call-fixture.js'

const LIMIT_MS = 180_000

async function asked(gate?: Promise<void>) {
  const scene = await dialledAndAnswered()
  const { call, dialog } = scene
  dialog.gate = gate
  dialog.answers.push(response(202))
  const outcome: { result?: TransferResult; code?: string } = {}
  const transfer = call.transfer('sip:carol@example.com').then(
    (result) => void Object.assign(outcome, { result }),
    (error) => void Object.assign(outcome, { code: error.code }),
  )
  await turn()
  const notify = (
    sipfrag: string,
    state = 'active;expires=60',
    headers: Record<string, string> = {},
    contentType = 'message/sipfrag',
  ) => {
    const body = sipfrag === '' ? undefined : { contentType, content: sipfrag }
    return dialog.offer(body, 'NOTIFY', { Event: 'refer', 'Subscription-State': state, ...headers })
  }
  return Object.assign(scene, { outcome, transfer, notify })
}

describe('a transfer that we ask for', () => {
  it('sends REFER with Refer-To and Referred-By; reports become events; 200 ends the call as transferred', async () => {
    const { dialog, notify, outcome, transfer, last } = await asked()
    const refer = dialog.sent.find(({ method }) => method === 'REFER')
    assert.deepEqual(
      [refer?.headers.get('Refer-To'), refer?.headers.get('Referred-By')],
      ['<sip:carol@example.com>', '<sip:alice@example.com>'],
    )
    assert.ok(notify('SIP/2.0 100 Trying\r\n').accepted)
    assert.equal(last('call.transfer-progress').status, 100)
    assert.ok(notify('SIP/2.0 180 Ringing').accepted)
    assert.deepEqual([last('call.transfer-progress').status, last('call.transfer-progress').reason], [180, 'Ringing'])
    notify('SIP/2.0 200 OK', 'terminated;reason=noresource')
    await transfer
    assert.deepEqual(outcome.result, { outcome: 'transferred', status: 200, reason: 'OK' })
    const { end } = last('call.ended')
    assert.deepEqual([end.by, end.cause, dialog.byes], ['local', 'transferred', 1])
  })

  for (const status of [403, 405, 501, 603])
    it(`refused with ${status}: the result has the status, and the call goes on`, async () => {
      const { call, dialog } = await dialledAndAnswered()
      dialog.answers.push(response(status))
      const result = await call.transfer('sip:carol@example.com')
      assert.deepEqual([result.outcome, result.status, call.snapshot().state], ['failed', status, 'answered'])
      assert.equal(dialog.offer(undefined, 'NOTIFY', { Event: 'refer' }).rejected, 481)
    })

  it('a failure of the target leaves the call as it is, and another transfer is possible', async () => {
    const { call, dialog, notify, outcome, transfer } = await asked()
    await assert.rejects(call.transfer('sip:dave@example.com'), { code: 'WRONG_STATE' })
    notify('SIP/2.0 486 Busy Here', 'terminated;reason=noresource')
    await transfer
    assert.deepEqual(outcome.result, { outcome: 'failed', status: 486, reason: 'Busy Here' })
    assert.deepEqual([call.snapshot().state, dialog.byes], ['answered', 0])
    dialog.answers.push(response(603))
    assert.equal((await call.transfer('sip:dave@example.com')).status, 603)
  })

  it('takes a NOTIFY before the 202, also the last one', async () => {
    let open = () => {}
    const { notify, outcome, transfer } = await asked(
      new Promise((resolve) => {
        open = resolve
      }),
    )
    assert.ok(notify('SIP/2.0 100 Trying').accepted)
    assert.ok(notify('SIP/2.0 200 OK', 'terminated').accepted)
    open()
    await transfer
    assert.equal(outcome.result?.outcome, 'transferred')
  })

  it('a peer that hangs up after its 202 has been transferred; before the 202 it has hung up', async () => {
    const { dialog, outcome, transfer, events } = await asked()
    dialog.handlers.bye?.(request('BYE'))
    await transfer
    await turn()
    assert.equal(outcome.result?.outcome, 'transferred')
    const end = events.at(-1)
    assert.deepEqual(end?.type === 'call.ended' && [end.end.by, end.end.cause], ['remote', 'transferred'])
    const early = await asked(new Promise(() => {}))
    early.dialog.handlers.bye?.(request('BYE'))
    await early.transfer
    await turn()
    assert.equal(early.outcome.code, 'CALL_ENDED')
    assert.equal(early.last('call.ended').end.cause, 'normal')
  })

  it('Refer-Sub: false in the 2xx: no NOTIFY will come, and the call has been transferred (RFC 4488)', async () => {
    const { call, dialog } = await dialledAndAnswered()
    dialog.answers.push(response(202, { headers: { 'Refer-Sub': 'false' } }))
    assert.equal((await call.transfer('sip:carol@example.com')).outcome, 'transferred')
  })

  it('a subscription that ends, expires or stays silent without a result is a failure', async () => {
    const ended = await asked()
    ended.notify('SIP/2.0 100 Trying', 'terminated;reason=noresource')
    await ended.transfer
    assert.equal(ended.outcome.result?.outcome, 'failed')
    const expired = await asked()
    expired.notify('SIP/2.0 100 Trying', 'active;expires=5')
    expired.clock.advance(5_000)
    await expired.transfer
    assert.deepEqual([expired.outcome.result?.outcome, expired.outcome.result?.status], ['failed', 408])
    const silent = await asked()
    silent.clock.advance(LIMIT_MS - 1)
    await turn()
    assert.deepEqual(Object.keys(silent.outcome), [])
    silent.clock.advance(1)
    await silent.transfer
    assert.deepEqual([silent.outcome.result?.status, silent.call.snapshot().state], [408, 'answered'])
  })

  it('forged or misplaced reports have no effect: other events, other ids, no transfer, other bodies', async () => {
    const { dialog } = await dialledAndAnswered()
    assert.equal(
      dialog.offer(undefined, 'NOTIFY', { Event: 'refer', 'Subscription-State': 'terminated' }).rejected,
      481,
    )
    const { notify, outcome } = await asked()
    assert.equal(notify('SIP/2.0 200 OK', 'terminated', { Event: 'presence' }).rejected, 489)
    assert.equal(notify('SIP/2.0 200 OK', 'terminated', { Event: 'refer;id=99' }).rejected, 481)
    assert.ok(notify('SIP/2.0 200 OK', 'active', {}, 'text/plain').accepted)
    await turn()
    assert.equal(outcome.result, undefined)
  })

  it('a hangup ends the wait', async () => {
    const { call, outcome, transfer } = await asked()
    await call.hangup()
    await transfer
    assert.equal(outcome.code, 'CALL_ENDED')
  })

  it('whatever is reported in whatever order: one result at most, and the call ends only if it was transferred', async () => {
    const report = fc.record({
      sipfrag: fc.constantFrom('', 'SIP/2.0 100 Trying', 'SIP/2.0 200 OK', 'SIP/2.0 503 No', 'nonsense'),
      state: fc.constantFrom('active;expires=60', 'pending', 'terminated;reason=x', ''),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(report, { maxLength: 6 }), async (reports) => {
        const { notify, outcome, call, clock } = await asked()
        for (const { sipfrag, state } of reports) {
          const answer = notify(sipfrag, state)
          assert.ok(answer.accepted || answer.rejected === 481)
          await turn()
        }
        clock.advance(LIMIT_MS)
        await turn()
        const first = reports.find(({ sipfrag, state }) => /200|503/.test(sipfrag) || state.startsWith('terminated'))
        const expected = first?.sipfrag.includes('200') ? 'transferred' : 'failed'
        assert.equal(outcome.result?.outcome, expected)
        assert.equal(call.snapshot().state === 'ended', expected === 'transferred')
      }),
      { numRuns: 40 },
    )
  })

  it('attended: Refer-To names the dialog of the other call as its peer sees it, and both calls end', async () => {
    const first = await dialledAndAnswered()
    const second = await dialledAndAnswered()
    Object.assign(second.dialog, {
      sipCallId: 'second@host',
      localTag: 'mine',
      remoteTag: 'theirs',
      remoteUri: 'sip:carol@example.com',
    })
    first.dialog.answers.push(response(202))
    const transfer = first.call.transfer(second.call)
    await turn()
    assert.equal(
      first.dialog.sent[0]?.headers.get('Refer-To'),
      '<sip:carol@example.com?Replaces=second%40host%3Bto-tag%3Dtheirs%3Bfrom-tag%3Dmine>',
    )
    // The target ends the replaced dialog before the transferee reports.
    second.dialog.handlers.bye?.(request('BYE'))
    first.dialog.offer({ contentType: 'message/sipfrag', content: 'SIP/2.0 200 OK' }, 'NOTIFY', { Event: 'refer' })
    assert.equal((await transfer).outcome, 'transferred')
    for (const scene of [first, second]) assert.equal(scene.last('call.ended').end.cause, 'transferred')
    await assert.rejects(first.call.transfer(first.call), { code: 'CALL_ENDED' })
  })

  it('to itself is not possible', async () => {
    const { call } = await dialledAndAnswered()
    await assert.rejects(call.transfer(call), { code: 'BAD_ARGUMENT' })
  })
})
