/** SIPp with PRACK, UPDATE, session timers, delayed offers and glare, as caller and as callee. */
import assert from 'node:assert/strict'
import { peerFolder } from '../support/peers/peer-folder.js'
import '../support/peers/root-hooks.js'
import { Sipp } from '../support/peers/sipp.js'
import * as sip from '../support/peers/sipp-scenario.js'
import { Phone, type PhoneInit } from '../support/phone.js'

const RELIABLE = 'Supported: 100rel'
const TIMER = 'Supported: timer'

describe('extensions against SIPp', function () {
  this.timeout(30_000)
  let phone: Phone
  let sipp: Sipp

  afterEach(async () => {
    await phone.close()
    await sipp.stop()
  })

  describe('as caller', () => {
    const start = async (name: string, steps: sip.Step[], inbound: PhoneInit['inbound'] = {}): Promise<void> => {
      phone = await Phone.start({ folder: peerFolder.folder('phone'), trace: true, inbound })
      sipp = await Sipp.start({ name, steps, target: phone.address, calls: 1, trace: true })
    }

    /** The call comes to a flow, which sends early media and then answers. */
    const earlyThenAnswer = async (): Promise<void> => {
      const { callId } = await phone.event('call.incoming')
      await phone.call('early', { callId })
      await phone.event('call.early', { callId })
      await phone.call('answer', { callId })
      await sipp.finished()
      const { end } = await phone.event('call.ended', { callId })
      assert.deepEqual([end.by, end.cause], ['remote', 'normal'])
    }
    const answered = [sip.expectFinal(200), sip.ack(), sip.bye(9), sip.expectResponse(200)]

    it('PRACK: our 183 with the answer is reliable, and our 200 carries no description any more (RFC 3262)', async () => {
      const steps = [
        sip.invite({}, [RELIABLE]),
        sip.expectReliable(183, { checks: [{ search: 'm=audio' }, { header: 'Require', search: '100rel' }] }),
        sip.prack(2),
        sip.expectResponse(200),
        sip.expectFinal(200, { checks: [{ header: 'Content-Length', search: ' 0' }] }),
        ...answered.slice(1),
      ]
      await start('prack-caller', steps, { mode: 'flow', sendRinging: false })
      await earlyThenAnswer()
    })

    it('delayed offer: our offer in the 183, the answer in PRACK (RFC 3262 5)', async () => {
      const steps = [
        sip.invite(null, [RELIABLE]),
        sip.expectReliable(183, { checks: [{ search: 'm=audio' }] }),
        sip.prack(2, { formats: [8, 101] }),
        sip.expectResponse(200),
        ...answered,
      ]
      await start('delayed-caller', steps, { mode: 'flow', sendRinging: false })
      await earlyThenAnswer()
    })

    it('UPDATE with an offer in the early dialog is answered (RFC 3311 5.2)', async () => {
      const steps = [
        sip.invite({}, [RELIABLE]),
        sip.expectReliable(183),
        sip.prack(2),
        sip.expectResponse(200),
        sip.request('UPDATE', 3, { offer: { direction: 'sendonly', version: 2 } }),
        sip.expectResponse(200, { checks: [{ search: 'a=recvonly' }] }),
        ...answered,
      ]
      await start('early-update', steps, { mode: 'flow', sendRinging: false })
      const { callId } = await phone.event('call.incoming')
      await phone.call('early', { callId })
      await phone.message('in', /^UPDATE /)
      await phone.call('answer', { callId })
      await sipp.finished()
    })

    it('session timer: 422 for an interval that is too small, then the terms in our 200 and in the one to UPDATE (RFC 4028 9)', async () => {
      const steps = [
        sip.invite({}, [TIMER, 'Session-Expires: 60']),
        sip.expectFinal(422, { checks: [{ header: 'Min-SE', search: '90' }] }),
        sip.ackFailure,
      ]
      await start('timer-422', steps)
      await sipp.finished()
      await sipp.stop()
      const terms = [{ header: 'Session-Expires', search: '600;refresher=uac' }]
      const refreshed = [
        sip.invite({}, [TIMER, 'Session-Expires: 600']),
        sip.expectFinal(200, { checks: [...terms, { header: 'Require', search: 'timer' }] }),
        sip.ack(),
        sip.request('UPDATE', 2, { headers: [TIMER, 'Session-Expires: 600;refresher=uac'] }),
        sip.expectResponse(200, { checks: terms }),
        sip.bye(3),
        sip.expectResponse(200),
      ]
      sipp = await Sipp.start({ name: 'timer', steps: refreshed, target: phone.address, calls: 1, trace: true })
      await sipp.finished()
    })
  })

  describe('as callee', () => {
    const start = async (name: string, steps: sip.Step[], account: PhoneInit['account'] = {}): Promise<string> => {
      sipp = await Sipp.start({ name, steps, calls: 1, trace: true })
      phone = await Phone.start({ folder: peerFolder.folder('phone'), trace: true, account })
      return phone.dial(`sip:service@${sipp.address}`)
    }
    const hangUp = async (callId: string): Promise<void> => {
      await phone.event('call.answered', { callId })
      await phone.call('hangup', { callId })
      await sipp.finished()
    }
    const bye = [sip.expectRequest('BYE'), sip.accept]
    const reliably = ['Require: 100rel', 'RSeq: 77']

    it('PRACK: a reliable 183 is acknowledged, and its description is the answer (RFC 3262 4)', async () => {
      const callId = await start('prack-callee', [
        sip.expectRequest('INVITE', { keepInvite: true, checks: [{ header: 'Supported', search: '100rel' }] }),
        sip.provisional('183 Session Progress', {}, reliably),
        sip.expectRequest('PRACK', { checks: [{ header: 'RAck', search: '77 1 INVITE' }] }),
        sip.accept,
        sip.finalToKept('200 OK'),
        sip.expectRequest('ACK'),
        ...bye,
      ])
      await phone.event('call.early', { callId })
      await hangUp(callId)
    })

    it('delayed offer: the peer offers in its 200, and our ACK answers (RFC 3261 13.2.1)', async () => {
      const steps = [
        sip.expectRequest('INVITE', { checks: [{ header: 'Content-Length', search: ' 0' }] }),
        sip.answer(),
        sip.expectRequest('ACK', { checks: [{ search: 'm=audio' }] }),
        ...bye,
      ]
      await hangUp(await start('delayed-callee', steps, { delayedOffer: true }))
    })

    it('delayed offer: the peer offers in a reliable 183, and our PRACK answers (RFC 3262 5)', async () => {
      const steps = [
        sip.expectRequest('INVITE', { keepInvite: true }),
        sip.provisional('183 Session Progress', {}, reliably),
        sip.expectRequest('PRACK', { checks: [{ search: 'm=audio' }] }),
        sip.accept,
        sip.finalToKept('200 OK'),
        sip.expectRequest('ACK'),
        ...bye,
      ]
      await hangUp(await start('delayed-prack', steps, { delayedOffer: true }))
    })

    it('session timer: after 422 the INVITE is sent again with the Min-SE (RFC 4028 7.3)', async () => {
      const steps = [
        sip.expectRequest('INVITE', { checks: [{ header: 'Session-Expires', search: '1800' }] }),
        sip.refuse('422 Session Interval Too Small', ['Min-SE: 3600']),
        sip.expectRequest('ACK'),
        sip.expectRequest('INVITE', {
          checks: [
            { header: 'Session-Expires', search: '3600' },
            { header: 'Min-SE', search: '3600' },
          ],
        }),
        sip.answer(),
        sip.expectRequest('ACK'),
        ...bye,
      ]
      await hangUp(await start('timer-callee', steps))
    })

    it('glare: after 491 our re-INVITE comes again (RFC 3261 14.1)', async () => {
      const callId = await start('glare', [
        sip.expectRequest('INVITE'),
        sip.answer(),
        sip.expectRequest('ACK'),
        sip.expectRequest('INVITE', { keepInvite: true }),
        sip.finalToKept('491 Request Pending'),
        sip.expectRequest('ACK'),
        sip.expectRequest('INVITE', { keepInvite: true }),
        sip.finalToKept('200 OK', { answer: { direction: 'recvonly', version: 2 } }),
        sip.expectRequest('ACK'),
        ...bye,
      ])
      await phone.event('call.answered', { callId })
      await phone.call('hold', { callId })
      await phone.call('hangup', { callId })
      await sipp.finished()
    })
  })
})
