/** SIPp as a caller that is refused, gives up, loses an ACK, repeats itself or re-negotiates. */
import assert from 'node:assert/strict'
import { peerFolder } from '../support/peers/peer-folder.js'
import '../support/peers/root-hooks.js'
import { Sipp, type SippInit } from '../support/peers/sipp.js'
import * as sip from '../support/peers/sipp-scenario.js'
import { Phone, type PhoneInit } from '../support/phone.js'

describe('SIPp as caller', function () {
  this.timeout(30_000)
  let phone: Phone
  let caller: Sipp

  const start = async (
    name: string,
    steps: sip.Step[],
    inbound: PhoneInit['inbound'] = {},
    sipp: Partial<SippInit> = {},
  ) => {
    phone = await Phone.start({ folder: peerFolder.folder('phone'), trace: true, inbound })
    caller = await Sipp.start({ name, steps, target: phone.address, calls: 1, trace: true, ...sipp })
  }

  afterEach(async () => {
    await phone.close()
    await caller.stop()
  })

  for (const status of [486, 603, 404]) {
    it(`is refused with ${status}`, async () => {
      const steps = [sip.invite(), sip.expectFinal(status), sip.ackFailure]
      await start(`refused-${status}`, steps, { mode: 'reject', rejectStatus: status })
      await caller.finished()
    })
  }

  it('is not decided upon in time: 480', async () => {
    await start('undecided', [sip.invite(), sip.expectFinal(480), sip.ackFailure], { mode: 'flow', decideMs: 500 })
    await caller.finished()
    const { end } = await phone.event('call.ended')
    assert.equal(end.sipCode, 480)
  })

  it('gives up while it rings: 200 to CANCEL, 487 to INVITE', async () => {
    const steps = [sip.invite(), sip.expectProvisional(180), sip.pause(200), sip.cancel]
    await start('gives-up', [...steps, sip.expectResponse(200), sip.expectResponse(487), sip.ackFailure], {
      mode: 'flow',
    })
    await caller.finished()
    const { end } = await phone.event('call.ended')
    assert.deepEqual([end.by, end.cause], ['remote', 'cancelled'])
  })

  it('loses its ACK twice: our 200 is retransmitted after T1 and 2 T1, and the call stands', async () => {
    const again = [sip.expectFinal(200), sip.expectFinal(200), sip.expectFinal(200)]
    const steps = [sip.invite(), ...again, sip.ack(), sip.pause(2300), sip.bye(), sip.expectResponse(200)]
    await start('loses-ack', steps, {}, { seesRetransmissions: true })
    const figures = await caller.finished()
    const answers = caller
      .messages()
      .filter((m) => m.direction === 'received' && /^CSeq: 1 INVITE/im.test(m.text) && /200/.test(m.startLine))
    const gapsMs = answers.slice(1).map((message, i) => message.atMs - (answers[i]?.atMs ?? 0))
    console.log(
      `      200s ${answers.length}, gaps ${gapsMs.map((ms) => ms.toFixed(0)).join(', ')} ms, failed ${figures.failed}`,
    )
    // No 200 follows the ACK.
    assert.equal(answers.length, 3)
    const { end } = await phone.event('call.ended')
    assert.deepEqual([end.by, end.cause], ['remote', 'normal'])
  })

  it('loses the ACK to a refusal: it is retransmitted (Timer G)', async () => {
    const steps = [sip.invite(), sip.expectFinal(486), sip.expectFinal(486), sip.ackFailure]
    await start('loses-failure-ack', steps, { mode: 'reject', rejectStatus: 486 }, { seesRetransmissions: true })
    await caller.finished()
  })

  it('repeats its INVITE: one call, the same answer', async () => {
    const ringing = [sip.invite(), sip.expectProvisional(180), sip.inviteAgain(), sip.expectProvisional(180)]
    const answered = [sip.expectFinal(200), sip.ack(), sip.pause(100), sip.bye(), sip.expectResponse(200)]
    await start('repeats', [...ringing, ...answered], { mode: 'flow' }, { seesRetransmissions: true })
    const { callId } = await phone.event('call.incoming')
    await phone.message('in', /^INVITE /, { count: 2 })
    await phone.call('answer', { callId })
    await caller.finished()
    await phone.event('call.ended')
    assert.equal(phone.events.filter((event) => event.type === 'call.incoming').length, 1)
  })

  it('re-negotiates: hold, another codec, no offer; then ends the call', async () => {
    await start('re-negotiates', [
      sip.invite({ formats: [8, 101] }),
      sip.expectFinal(200, { checks: [{ search: 'm=audio [0-9]+ RTP/AVP 8' }] }),
      sip.ack(),
      sip.reinvite(2, { formats: [8, 101], direction: 'sendonly', version: 2 }),
      sip.expectFinal(200, { checks: [{ search: 'a=recvonly' }] }),
      sip.ack(2),
      sip.pause(200),
      sip.reinvite(3, { formats: [0, 101], version: 3 }),
      sip.expectFinal(200, { checks: [{ search: 'm=audio [0-9]+ RTP/AVP 0' }] }),
      sip.ack(3),
      sip.pause(200),
      // RFC 3264 5, RFC 3261 14.2: our offer comes in the 200, the answer in the ACK.
      sip.reinvite(4, null),
      sip.expectFinal(200, { checks: [{ search: 'm=audio [0-9]+ RTP/AVP' }] }),
      sip.ack(4, { formats: [8, 101], version: 4 }),
      sip.pause(200),
      sip.bye(5),
      sip.expectResponse(200),
    ])
    await caller.finished()
    const types = phone.events.map((event) => event.type)
    console.log(`      ${types.join(' ')}`)
    assert.ok(types.indexOf('call.held') > 0)
    assert.ok(types.indexOf('call.resumed') > types.indexOf('call.held'))
    // RFC 3264 8: o= keeps its id, its version rises by one where the description changed.
    const origins = phone.messages('out', /^SIP\/2\.0 200/).flatMap((text) => /^o=(.*)$/m.exec(text)?.[1] ?? [])
    assert.equal(new Set(origins.map((origin) => origin.split(' ')[1])).size, 1)
  })

  it('offers nothing that we have: 488', async () => {
    await start('no-common', [sip.invite({ formats: [101] }), sip.expectFinal(488), sip.ackFailure])
    await caller.finished()
  })

  it('offers nothing at all: we offer in the 200 and take the answer from the ACK', async () => {
    await start('late-offer', [
      sip.invite(null),
      sip.expectFinal(200, { checks: [{ search: 'm=audio [0-9]+ RTP/AVP' }] }),
      sip.ack(1, { formats: [8, 101] }),
      sip.pause(300),
      sip.bye(),
      sip.expectResponse(200),
    ])
    await caller.finished()
    const { end } = await phone.event('call.ended')
    assert.equal(end.cause, 'normal')
  })
})
