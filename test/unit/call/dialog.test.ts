import assert from 'node:assert/strict'
import { TelephonyError } from '../../../src/base/errors.js'
import type { Direction } from '../../../src/media/protocol.js'
import { type FakeDialog, request, sdpBody } from '../../support/fake-user-agent.js'
import { dialledAndAnswered, peerSdp, type Scene } from './call-fixture.js'

const answerOf = (scene: { dialog: FakeDialog }, init: Parameters<typeof peerSdp>[0] = {}): string =>
  scene.dialog.offer(sdpBody(peerSdp(init))).accepted?.body?.content ?? ''

/** The status that an INFO is answered with. */
const info = ({ dialog }: { dialog: FakeDialog }, contentType: string, content: string): number | undefined => {
  const { accepted, rejected } = dialog.offer({ contentType, content }, 'INFO')
  return accepted ? 200 : rejected
}

const digits = ({ events }: Scene): string =>
  events.map((event) => (event.type === 'call.digit' ? event.digit : '')).join('')

describe('within the dialog', () => {
  for (const [theirs, ours] of [
    ['sendonly', 'recvonly'],
    ['inactive', 'inactive'],
    ['recvonly', 'sendonly'],
  ] as [Exclude<Direction, 'sendrecv'>, Direction][]) {
    it(`${theirs} holds, is answered ${ours}, and sendrecv resumes`, async () => {
      const scene = await dialledAndAnswered()
      assert.match(answerOf(scene, { direction: theirs }), new RegExp(`^a=${ours}\r$`, 'm'))
      assert.equal(scene.last('call.held').direction, theirs)
      assert.equal(scene.call.snapshot().state, 'held')
      assert.equal(scene.session.connects.at(-1)?.direction, ours)
      assert.equal(scene.session.connects.at(-1)?.timeoutMs, 300_000)
      answerOf(scene)
      assert.equal(scene.call.snapshot().state, 'answered')
      assert.equal(scene.session.connects.at(-1)?.timeoutMs, 30_000)
      assert.deepEqual(scene.types.slice(2), ['call.held', 'call.resumed'])
    })
  }

  it('tells another kind of hold, and the same one not again', async () => {
    const scene = await dialledAndAnswered()
    answerOf(scene, { direction: 'sendonly' })
    answerOf(scene, { direction: 'sendonly' })
    answerOf(scene, { direction: 'inactive' })
    assert.deepEqual(scene.types.slice(2), ['call.held', 'call.held'])
  })

  it('a repeated offer changes nothing: not the codec, not the description, not media', async () => {
    const scene = await dialledAndAnswered()
    const first = answerOf(scene)
    assert.equal(answerOf(scene), first)
    assert.equal(scene.session.connects.length, 1)
    assert.deepEqual(scene.types, ['call.trying', 'call.answered'])
  })

  it('media follows the peer to another address', async () => {
    const scene = await dialledAndAnswered()
    answerOf(scene, { host: '192.0.2.44', port: 33_000 })
    assert.deepEqual(scene.session.connects.at(-1)?.remote, { host: '192.0.2.44', port: 33_000, rtcpPort: 33_001 })
  })

  it('media follows the peer to another codec', async () => {
    const scene = await dialledAndAnswered()
    answerOf(scene, { codecs: '0 101' })
    assert.equal(scene.session.connects.at(-1)?.codec, 'PCMU')
    assert.equal(scene.call.snapshot().codec, 'PCMU')
  })

  it('an offer that cannot be taken is refused and the call goes on as it was', async () => {
    const scene = await dialledAndAnswered()
    const refused = scene.dialog.offer(sdpBody(peerSdp({ codecs: '18' })))
    assert.equal(refused.rejected, 488)
    assert.match(refused.rejectHeaders[0]?.[1] ?? '', /^399 ringflow ".*G729/)
    assert.equal(scene.dialog.offer(sdpBody('nonsense')).rejected, 400)
    assert.equal(scene.session.connects.length, 1)
    assert.equal(scene.call.snapshot().state, 'answered')
  })

  it('a re-INVITE without offer gets ours; the answer in the ACK counts', async () => {
    const scene = await dialledAndAnswered()
    assert.match(scene.dialog.offer().accepted?.body?.content ?? '', /RTP\/AVP 8 0 101\r\n(a=.*\r\n)*a=sendrecv/)
    scene.dialog.handlers.acknowledged?.(sdpBody(peerSdp({ direction: 'inactive' })))
    assert.equal(scene.call.snapshot().state, 'held')
    scene.dialog.offer()
    scene.dialog.handlers.acknowledged?.(sdpBody('nonsense'))
    assert.equal(scene.call.snapshot().state, 'held', 'goes on as it was')
    scene.dialog.handlers.acknowledged?.(sdpBody(peerSdp()))
    assert.equal(scene.call.snapshot().state, 'held', 'an ACK without an offer before it means nothing')
  })

  it('an UPDATE without offer is only answered', async () => {
    const { dialog } = await dialledAndAnswered()
    assert.deepEqual(dialog.offer(undefined, 'UPDATE').accepted, {})
  })

  it('an offer that comes while the call ends is refused', async () => {
    const { dialog, call } = await dialledAndAnswered()
    dialog.answersBye = false
    void call.hangup()
    assert.equal(dialog.offer(sdpBody(peerSdp())).rejected, 481)
  })

  it('481 to our request ends the call', async () => {
    const { dialog, call } = await dialledAndAnswered()
    dialog.handlers.lost?.({ ...request('INFO'), status: 481, reason: 'Gone' })
    assert.deepEqual(await call.ended, { by: 'error', cause: 'failed', sipCode: 481, reason: 'dialog lost: Gone' })
    assert.equal(dialog.byes, 1)
  })

  it('keeps the words of the peer’s Reason header', async () => {
    const { dialog, call } = await dialledAndAnswered()
    dialog.handlers.bye?.(request('BYE', { headers: { Reason: 'Q.850;cause=16' } }))
    assert.equal((await call.ended).reason, 'Q.850;cause=16')
  })

  it('takes digits from INFO in both spellings, and answers 415 to what it does not know', async () => {
    const scene = await dialledAndAnswered()
    assert.equal(info(scene, 'application/dtmf-relay', 'Signal=5\r\nDuration=240\r\n'), 200)
    assert.equal(scene.last('call.digit').durationMs, 240)
    assert.equal(info(scene, 'application/dtmf-relay', 'Signal= *\r\n'), 200)
    assert.equal(info(scene, 'application/dtmf', '11'), 200)
    assert.equal(info(scene, 'application/dtmf', 'b'), 200)
    assert.equal(info(scene, 'application/dtmf', 'x'), 415)
    assert.equal(info(scene, 'application/media_control+xml', '<x/>'), 415)
    assert.ok(scene.dialog.offer(undefined, 'INFO').accepted)
    assert.equal(digits(scene), '5*#B')
  })

  it('counts a digit once that comes by RTP and by INFO, and twice when pressed twice', async () => {
    const scene = await dialledAndAnswered()
    for (let press = 0; press < 2; press++) {
      scene.session.happen('digit', '1', 100)
      scene.clock.advance(20)
      info(scene, 'application/dtmf', '1')
      scene.clock.advance(180)
    }
    assert.equal(digits(scene), '11')
    scene.clock.advance(600)
    info(scene, 'application/dtmf', '1')
    assert.equal(scene.last('call.digit').durationMs, 160) // the INFO states no duration
    scene.session.happen('digit', '2', 100)
    assert.equal(digits(scene), '1112')
    // The other path may be slower, by half a second at most.
    scene.clock.advance(500)
    info(scene, 'application/dtmf', '2')
    assert.equal(digits(scene), '1112')
    scene.session.happen('digit', '3', 100)
    scene.clock.advance(501)
    info(scene, 'application/dtmf', '3')
    assert.equal(digits(scene), '111233')
  })

  it('counts a key that is held once, also where INFO came when it was pressed', async () => {
    const scene = await dialledAndAnswered()
    info(scene, 'application/dtmf', '1')
    scene.clock.advance(1500)
    scene.session.happen('digit', '1', 1450)
    assert.equal(digits(scene), '1')
    info(scene, 'application/dtmf', '1')
    scene.clock.advance(1500)
    scene.session.happen('digit', '1', 100)
    assert.equal(digits(scene), '111', 'a short one that comes later is another')
  })

  it('tells the first packet of the peer once, and waits less long for the next ones than for it', async () => {
    const { session, types } = await dialledAndAnswered()
    session.happen('started')
    session.happen('started')
    assert.deepEqual(types, ['call.trying', 'call.answered', 'call.media'])
    assert.deepEqual(
      session.connects.map(({ timeoutMs }) => timeoutMs),
      [30_000, 20_000],
    )
  })

  it('no silence ends a call whose account has the media timeout off', async () => {
    const { session, dialog } = await dialledAndAnswered({ mediaTimeoutMs: 0 })
    session.happen('started')
    dialog.offer(sdpBody(peerSdp({ direction: 'sendonly' })))
    assert.deepEqual(
      session.connects.map(({ timeoutMs }) => timeoutMs),
      [0, 0],
    )
  })

  it('ends when media cannot be connected', async () => {
    const scene = await dialledAndAnswered()
    scene.session.connectError = new TelephonyError('CLOSED', 'worker gone')
    answerOf(scene, { port: 31_000 })
    assert.equal((await scene.call.ended).cause, 'failed')
    assert.equal(scene.dialog.byes, 1)
  })
})
