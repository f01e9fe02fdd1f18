/** Why a call ended, as both sides tell each other, and the headers that a user adds. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { placeCall } from '../../../src/call/call.js'
import { readReasons, reasonValue } from '../../../src/call/reason.js'
import { request, response } from '../../support/fake-user-agent.js'
import { uriOf } from '../../support/uri.js'
import { account, dialled, dialledAndAnswered, dialledAndRinging, incoming, World } from './call-fixture.js'

const Q850 = { protocol: 'Q.850', cause: 16, text: 'Normal call clearing' }
const WRITTEN = 'Q.850;cause=16;text="Normal call clearing"'

describe('reasons of the peer', () => {
  it('are in the end of the call: BYE, CANCEL and final response', async () => {
    const { dialog, call } = await dialledAndAnswered()
    dialog.handlers.bye?.(request('BYE', { headers: { Reason: WRITTEN } }))
    const end = await call.ended
    assert.deepEqual([end.cause, end.reason, end.reasons], ['normal', WRITTEN, [Q850]])

    const inbound = incoming()
    inbound.invite.cancel(['SIP;cause=600;text="Busy"', WRITTEN])
    assert.deepEqual((await inbound.call.ended).reasons, [{ protocol: 'SIP', cause: 600, text: 'Busy' }, Q850])

    const refused = await dialled()
    refused.userAgent.invite0.handlers.failed(response(480, { headers: { Reason: 'Q.850;cause=18' } }))
    assert.deepEqual((await refused.call.ended).reasons, [{ protocol: 'Q.850', cause: 18, text: '' }])
  })

  it('are absent if the peer gives none', async () => {
    const { dialog, call } = await dialledAndAnswered()
    dialog.handlers.bye?.(request('BYE'))
    assert.equal('reasons' in (await call.ended), false)
  })

  it('never throw, however malformed', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { maxLength: 20 }), (values) => {
        const reasons = readReasons(values) ?? []
        assert.ok(reasons.length <= 8)
        assert.ok(reasons.every(({ text, cause }) => text.length <= 128 && (cause === null || cause < 1000)))
      }),
    )
  })
})

describe('the reason of a hangup', () => {
  it('goes with the BYE, and with the CANCEL', async () => {
    const answered = await dialledAndAnswered()
    await answered.call.hangup({ reason: 'Shift "B" ended', headers: { 'X-Ticket': '7' } })
    assert.deepEqual(answered.dialog.byeHeaders, [
      ['Reason', 'Q.850;cause=16;text="Shift \\"B\\" ended"'],
      ['X-Ticket', '7'],
    ])
    const ringing = await dialledAndRinging()
    await ringing.call.hangup({ reason: 'SIP;cause=600;text="Busy everywhere"' })
    assert.equal(ringing.userAgent.invite0.cancelReason, 'SIP;cause=600;text="Busy everywhere"')
  })

  it('is not sent if none is given', async () => {
    const answered = await dialledAndAnswered()
    await answered.call.hangup()
    assert.deepEqual(answered.dialog.byeHeaders, [])
    const ringing = await dialledAndRinging()
    await ringing.call.hangup()
    assert.equal(ringing.userAgent.invite0.cancelReason, undefined)
  })

  it('never begins another line, and reads back as it was said', () => {
    const line = (text: string) => text.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ').trim()
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 100 }), (said) => {
        const value = reasonValue(said, 'Q.850;cause=16')
        assert.doesNotMatch(value, /[\r\n\u2028\u2029]/)
        assert.deepEqual(readReasons([value]), [{ protocol: 'Q.850', cause: 16, text: line(said) }])
      }),
    )
    assert.equal(reasonValue('SIP;cause=480\r\nX: 1', 'SIP;cause=487'), 'SIP;cause=487;text="SIP;cause=480  X: 1"')
  })
})

describe('headers of a user', () => {
  const target = { uri: uriOf('sip:bob@example.com'), user: 'bob' }
  const OURS = ['Via', 'v', 'Route', 'CSeq', 'From', 't', 'Call-ID', 'i', 'Contact', 'm', 'Content-Length', 'l']
  const MORE = ['Record-Route', 'Max-Forwards', 'Require', 'Supported', 'k', 'Authorization', 'Session-Expires', 'x']
  for (const name of [...OURS, ...MORE, 'RAck', 'Replaces', 'Event', 'o', 'PROXY-authorization', ' Via'])
    it(`cannot be ${JSON.stringify(name)}`, async () => {
      const world = new World()
      const headers = { [name]: 'x' }
      const placed = placeCall(world.deps, { account, owner: null, target, ringTimeoutMs: 1, headers })
      await assert.rejects(placed, { code: 'BAD_HEADER' })
      assert.equal(world.media.openSessions, 0)
      const { call, invite } = incoming()
      await assert.rejects(call.answer({ headers }), { code: 'BAD_HEADER' })
      assert.throws(() => call.reject(486, '', headers), { code: 'BAD_HEADER' })
      await assert.rejects(call.hangup({ headers }), { code: 'BAD_HEADER' })
      assert.equal(call.snapshot().state, 'trying', 'the call still waits for a decision')
      call.reject(486, '', { 'X-Why': 'lunch' })
      await call.ended
      assert.deepEqual(invite.rejects, [{ status: 486, headers: [['X-Why', 'lunch']] }])
    })

  it('cannot begin another line', async () => {
    const { call, dialog } = await dialledAndAnswered()
    await assert.rejects(call.hangup({ headers: { 'X-A': 'b\r\nVia: c' } }), { code: 'BAD_HEADER' })
    assert.equal(dialog.byes, 0)
    assert.equal(call.snapshot().state, 'answered')
  })
})
