/** A call whose local address is gone: it goes on from another one, or its end gives the reason. */
import assert from 'node:assert/strict'
import { TelephonyError } from '../../../src/base/errors.js'
import { FakeUserAgent, response, sdpBody } from '../../support/fake-user-agent.js'
import { account, dialled, dialledAndAnswered, incoming, incomingAnswered, peerSdp } from './call-fixture.js'

const agreed = (init: Parameters<typeof peerSdp>[0] = {}) => response(200, { body: sdpBody(peerSdp(init)) })

function newPlace() {
  const userAgent = new FakeUserAgent()
  return { userAgent, rtp: { ...account.rtp, address: '192.0.2.77', advertise: '203.0.113.7' } }
}

describe('a call that moves to another local address', () => {
  it('takes its dialog and its media along, and tells the peer by a re-INVITE', async () => {
    for (const scene of [await dialledAndAnswered(), await incomingAnswered()]) {
      const { dialog, session, call, types } = scene
      const place = newPlace()
      const told = types.length
      dialog.answers.push(agreed({ port: 31_000 }))
      await call.moveTo(place)
      assert.deepEqual(place.userAgent.adopted, [dialog])
      assert.equal(session.local.host, '192.0.2.77')
      const [offer] = dialog.reinvites
      assert.match(
        offer?.content ?? '',
        new RegExp(`^c=IN IP4 203\\.0\\.113\\.7\r\n[^]*m=audio ${session.local.port} `, 'm'),
      )
      assert.equal(session.connects.at(-1)?.remote.port, 31_000)
      assert.equal(call.snapshot().state, 'answered')
      assert.equal(types.length, told, 'nothing of it is the flow’s business')
    }
  })

  it('stays held where the peer holds it', async () => {
    const { dialog, call } = await dialledAndAnswered()
    dialog.offer(sdpBody(peerSdp({ direction: 'sendonly' })))
    dialog.answers.push(agreed({ direction: 'sendonly' }))
    await call.moveTo(newPlace())
    assert.equal(call.snapshot().state, 'held')
  })

  it('ends by BYE and says why, where the peer refuses', async () => {
    const { dialog, call } = await dialledAndAnswered()
    dialog.answers.push(response(488, { reason: 'Not Acceptable Here' }))
    await call.moveTo(newPlace())
    const { by, cause, sipCode, reason } = await call.ended
    assert.deepEqual(
      [by, cause, sipCode, reason],
      [
        'error',
        'failed',
        488,
        'the local address of the call is gone: the peer did not accept the new address: 488 Not Acceptable Here',
      ],
    )
    assert.equal(dialog.byes, 1)
  })

  it('ends by BYE where no port can be had there', async () => {
    const { dialog, session, call } = await dialledAndAnswered()
    session.moveError = new TelephonyError('NO_PORTS', 'no free pair of RTP ports')
    await call.moveTo(newPlace())
    assert.equal((await call.ended).reason, 'the local address of the call is gone: no free pair of RTP ports')
    assert.deepEqual([dialog.byes, dialog.reinvites.length], [1, 0])
  })

  it('ends where it was not answered yet', async () => {
    const ringing = incoming()
    await ringing.call.moveTo(newPlace())
    const trying = await dialled()
    await trying.call.moveTo(newPlace())
    for (const { call } of [ringing, trying]) {
      const { by, cause, reason } = await call.ended
      assert.deepEqual(
        [by, cause, reason],
        ['error', 'failed', 'the local address of the call is gone: the call was not yet answered'],
      )
    }
  })

  it('twice in a row: only the last place counts, and a refusal of the first one ends nothing', async () => {
    const { dialog, session, call } = await dialledAndAnswered()
    const [first, second] = [newPlace(), newPlace()]
    second.rtp.address = '192.0.2.78'
    dialog.answers.push(response(503), agreed())
    await Promise.all([call.moveTo(first), call.moveTo(second)])
    assert.equal(session.local.host, '192.0.2.78')
    assert.equal(call.snapshot().state, 'answered')
    assert.match(dialog.reinvites.at(-1)?.content ?? '', new RegExp(`m=audio ${session.local.port} `))
  })

  it('does not wait for the end of a pause after glare', async () => {
    const { dialog, call, clock } = await dialledAndAnswered()
    dialog.answers.push(response(491), agreed())
    const moving = call.moveTo(newPlace())
    while (dialog.reinvites.length === 0) await new Promise(setImmediate)
    await new Promise(setImmediate)
    await call.moveTo(newPlace())
    await moving
    assert.equal(dialog.reinvites.length, 2)
    assert.equal(clock.now(), 0)
  })

  it('that is ending already is left alone', async () => {
    const { dialog, call } = await dialledAndAnswered()
    const place = newPlace()
    await Promise.all([call.hangup(), call.moveTo(place)])
    assert.deepEqual([dialog.reinvites.length, place.userAgent.adopted.length], [0, 0])
  })
})
