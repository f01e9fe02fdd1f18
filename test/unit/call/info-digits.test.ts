import assert from 'node:assert/strict'
import { response, sdpBody } from '../../support/fake-user-agent.js'
import { dialled, dialledAndAnswered, dialledWithEarlyMedia, peerSdp } from './call-fixture.js'

const turn = () => new Promise(setImmediate)

/** An answered call whose peer does not know telephone-event. */
async function withoutEvents() {
  const scene = await dialled()
  const dialog = scene.userAgent.invite0.answer(sdpBody(peerSdp({ codecs: '8' })))
  return Object.assign(scene, { dialog })
}

describe('digits by INFO', () => {
  it('one INFO for each digit, one after the other, with pauses', async () => {
    const { call, clock, dialog, session } = await withoutEvents()
    const sent = call.sendDigits('1,#', { toneMs: 200, gapMs: 50 })
    const contents = () => dialog.requestBodies.map((body) => body?.content)
    await turn()
    assert.deepEqual(contents(), ['Signal=1\r\nDuration=200\r\n'])
    assert.equal(dialog.requestBodies[0]?.contentType, 'application/dtmf-relay')
    clock.advance(250)
    await turn()
    clock.advance(499)
    await turn()
    assert.equal(dialog.requests.length, 1)
    clock.advance(1)
    assert.equal(await sent, 'finished')
    assert.deepEqual(contents()[1], 'Signal=#\r\nDuration=200\r\n')
    assert.deepEqual(dialog.requests, ['INFO', 'INFO'])
    assert.equal(session.digitsSent.length, 0)
  })

  it('are sent only if the mode says so, or (auto) if RFC 4733 is not negotiated', async () => {
    for (const [mode, scene, infos, events] of [
      ['auto', await dialledAndAnswered(), 0, 1],
      ['auto', await withoutEvents(), 1, 0],
      ['info', await dialledAndAnswered(), 1, 0],
      ['rfc4733', await withoutEvents(), 0, 1],
    ] as const) {
      scene.session.happen('started')
      void scene.call.sendDigits('5', { mode })
      await turn()
      assert.deepEqual([scene.dialog.requests.length, scene.session.digitsSent.length], [infos, events], mode)
    }
    const byAccount = await dialledAndAnswered({ dtmfMode: 'info' })
    void byAccount.call.sendDigits('5')
    await turn()
    assert.deepEqual(byAccount.dialog.requests, ['INFO'])
  })

  it('need an answered call', async () => {
    const { call } = await dialledWithEarlyMedia()
    await assert.rejects(call.sendDigits('1', { mode: 'info' }), { code: 'WRONG_STATE' })
  })

  it('that the peer refuses are an error with its status; later commands try again', async () => {
    const { call, dialog } = await withoutEvents()
    dialog.answers.push(response(415, { reason: 'Unsupported Media Type' }))
    const refused = call.sendDigits('12')
    const next = call.sendDigits('3')
    await assert.rejects(refused, { code: 'REFUSED', message: /415 Unsupported Media Type/ })
    assert.equal(await next, 'finished')
    assert.deepEqual(
      dialog.requestBodies.map((body) => body?.content[7]),
      ['1', '3'],
    )
  })

  it('stop when the call ends, and a hangup after media waits for them', async () => {
    const ended = await withoutEvents()
    const sent = ended.call.sendDigits('12')
    await turn()
    await ended.call.hangup()
    assert.equal(await sent, 'hangup')
    assert.equal(ended.dialog.requests.length, 1)

    const waiting = await withoutEvents()
    void waiting.call.sendDigits('12', { toneMs: 100, gapMs: 50 })
    const hangup = waiting.call.hangup({ afterMedia: true })
    await turn()
    assert.equal(waiting.dialog.byes, 0)
    waiting.clock.advance(150)
    await hangup
    assert.deepEqual([waiting.dialog.requests.length, waiting.dialog.byes], [2, 1])
  })
})
