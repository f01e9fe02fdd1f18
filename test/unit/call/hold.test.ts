/** Hold, resume, mute and another codec, by our commands. */
import assert from 'node:assert/strict'
import { TelephonyError } from '../../../src/base/errors.js'
import type { GatherRules } from '../../../src/call/call.js'
import type { PromptSource } from '../../../src/media/protocol.js'
import { type FakeDialog, response, sdpBody } from '../../support/fake-user-agent.js'
import { dialled, dialledAndAnswered, peerSdp, type Scene } from './call-fixture.js'

type Answered = Scene & { dialog: FakeDialog }
const tone: PromptSource = { kind: 'tone', hz: [440], durationMs: 1000, levelDbfs: -12 }
const settle = () => new Promise(setImmediate)
const agreed = (init: Parameters<typeof peerSdp>[0] = {}) => response(200, { body: sdpBody(peerSdp(init)) })
const offered = ({ dialog }: Answered): (string | undefined)[] =>
  dialog.reinvites.map(({ content }) => /^a=(send\w+|recvonly|inactive)/m.exec(content)?.[1])
const answerTo = ({ dialog }: Answered, init: Parameters<typeof peerSdp>[0]): string =>
  /^a=(send\w+|recvonly|inactive)/m.exec(dialog.offer(sdpBody(peerSdp(init))).accepted?.body?.content ?? '')?.[1] ?? ''

async function pass({ clock }: Scene, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 100) {
    clock.advance(100)
    await settle()
  }
}

async function held(): Promise<Answered> {
  const scene = await dialledAndAnswered()
  scene.dialog.answers.push(agreed({ direction: 'recvonly' }))
  await scene.call.hold(tone)
  return scene
}

describe('hold by us', () => {
  it('offers sendonly; when the peer agrees, it hears music, and a resume ends that', async () => {
    const scene = await held()
    assert.deepEqual(offered(scene), ['sendonly'])
    assert.equal(scene.session.connects.at(-1)?.direction, 'sendonly')
    assert.equal(typeof scene.session.holds[0], 'object')
    const { by, direction } = scene.last('call.held')
    assert.deepEqual([by, direction], ['local', 'sendonly'])
    assert.deepEqual(scene.last('call.held').call.hold, { local: true, remote: false })
    assert.equal(scene.call.snapshot().state, 'held')
    scene.dialog.answers.push(agreed())
    await scene.call.resume()
    assert.deepEqual(offered(scene), ['sendonly', 'sendrecv'])
    assert.equal(scene.session.holds[1], 'off')
    assert.equal(scene.last('call.resumed').by, 'local')
    assert.equal(scene.call.snapshot().state, 'answered')
    assert.deepEqual(scene.types.slice(2), ['call.held', 'call.resumed'])
  })

  it('without music the peer hears silence', async () => {
    const scene = await dialledAndAnswered()
    scene.dialog.answers.push(agreed({ direction: 'recvonly' }))
    await scene.call.hold()
    assert.deepEqual(scene.session.holds, ['silence'])
  })

  it('music that cannot be read leaves the call as it was, before anything is offered', async () => {
    const scene = await dialledAndAnswered()
    scene.session.prepareError = new TelephonyError('FILE_NOT_FOUND', 'no such file')
    await assert.rejects(scene.call.hold(tone), { code: 'FILE_NOT_FOUND' })
    assert.deepEqual([scene.dialog.reinvites.length, scene.session.holds.length], [0, 0])
  })

  it('a second hold changes the music only; a resume without a hold does nothing', async () => {
    const scene = await held()
    await scene.call.hold()
    assert.equal(scene.session.holds[1], 'silence')
    const other = await dialledAndAnswered()
    await other.call.resume()
    assert.deepEqual([scene.dialog.reinvites.length, other.dialog.reinvites.length], [1, 0])
  })

  it('the peer’s hold in between: each side resumes on its own', async () => {
    const scene = await held()
    assert.equal(answerTo(scene, { direction: 'sendonly' }), 'inactive')
    assert.deepEqual(scene.call.snapshot().hold, { local: true, remote: true })
    assert.equal(scene.last('call.held').by, 'remote')
    scene.dialog.answers.push(agreed({ direction: 'sendonly' }))
    await scene.call.resume()
    assert.deepEqual(scene.call.snapshot().hold, { local: false, remote: true })
    assert.deepEqual([scene.call.snapshot().state, scene.session.connects.at(-1)?.direction], ['held', 'recvonly'])
    assert.equal(answerTo(scene, {}), 'sendrecv')
    assert.deepEqual(scene.types.slice(2), ['call.held', 'call.held', 'call.resumed', 'call.resumed'])
    assert.equal(scene.call.snapshot().state, 'answered')
  })

  it('in a call that the peer holds: inactive, and the peer’s resume leaves our hold', async () => {
    const scene = await dialledAndAnswered()
    answerTo(scene, { direction: 'sendonly' })
    scene.dialog.answers.push(agreed({ direction: 'inactive' }))
    await scene.call.hold(tone)
    assert.deepEqual(offered(scene), ['inactive'])
    assert.deepEqual(scene.call.snapshot().hold, { local: true, remote: true })
    assert.equal(answerTo(scene, {}), 'sendonly')
    assert.deepEqual(scene.call.snapshot().hold, { local: true, remote: false })
    assert.equal(scene.session.connects.at(-1)?.direction, 'sendonly')
  })

  it('the hold of RFC 2543 (c=0.0.0.0) in a call that we hold', async () => {
    const scene = await held()
    assert.equal(answerTo(scene, { host: '0.0.0.0' }), 'inactive')
    assert.deepEqual(scene.call.snapshot().hold, { local: true, remote: true })
  })

  for (const status of [488, 403, 500]) {
    it(`refused with ${status}: the call continues as before, and the error says why`, async () => {
      const scene = await dialledAndAnswered()
      scene.dialog.answers.push(response(status))
      await assert.rejects(scene.call.hold(tone), ({ code, message }: TelephonyError) => {
        assert.match(message, new RegExp(`refused the hold: ${status} .*continues as before`))
        return code === 'REFUSED'
      })
      assert.deepEqual([scene.session.holds, scene.call.snapshot().state], [[], 'answered'])
      assert.equal(answerTo(scene, {}), 'sendrecv', 'later offers of the peer are answered as before')
    })
  }

  it('a refused resume leaves the call on hold', async () => {
    const scene = await held()
    scene.dialog.answers.push(response(488))
    await assert.rejects(scene.call.resume(), { code: 'REFUSED' })
    assert.deepEqual(scene.call.snapshot().hold, { local: true, remote: false })
    assert.equal(answerTo(scene, { direction: 'recvonly' }), 'sendonly')
  })

  it('481 ends the call, and the command says so', async () => {
    const scene = await dialledAndAnswered()
    const gone = response(481)
    scene.dialog.reinvite = async () => {
      scene.dialog.handlers.lost?.(gone)
      return gone
    }
    await assert.rejects(scene.call.hold(), { code: 'CALL_ENDED' })
    assert.equal((await scene.call.ended).sipCode, 481)
    await assert.rejects(scene.call.hold(), { code: 'CALL_ENDED' })
  })

  it('491: tried again after the wait of the RFC; the peer’s own hold in the wait is answered', async () => {
    const scene = await dialledAndAnswered()
    scene.dialog.answers.push(response(491), agreed({ direction: 'inactive' }))
    const holding = scene.call.hold()
    await settle()
    assert.equal(answerTo(scene, { direction: 'sendonly' }), 'inactive')
    await pass(scene, 5000)
    await holding
    assert.deepEqual(offered(scene), ['sendonly', 'inactive'])
    assert.deepEqual(scene.call.snapshot().hold, { local: true, remote: true })
  })

  it('while the peer’s re-INVITE is in progress it waits', async () => {
    const scene = await dialledAndAnswered()
    scene.dialog.answers.push(new TelephonyError('WRONG_STATE', 'in progress'), agreed({ direction: 'recvonly' }))
    const holding = scene.call.hold()
    await pass(scene, 5000)
    await holding
    assert.equal(scene.call.snapshot().hold.local, true)
  })

  it('hold and resume at once run one after the other', async () => {
    const scene = await dialledAndAnswered()
    scene.dialog.answers.push(agreed({ direction: 'recvonly' }), agreed())
    await Promise.all([scene.call.hold(), scene.call.resume()])
    assert.deepEqual(offered(scene), ['sendonly', 'sendrecv'])
    assert.equal(scene.call.snapshot().state, 'answered')
  })

  it('is not possible before the answer', async () => {
    const { call } = await dialled()
    await assert.rejects(call.hold(), { code: 'WRONG_STATE' })
    await assert.rejects(call.renegotiate(['PCMU']), { code: 'WRONG_STATE' })
    assert.throws(() => call.mute(true), { code: 'WRONG_STATE' })
  })

  it('ADR 7: the peer is asked whether it is there, because no sound is due', async () => {
    const scene = await held()
    await pass(scene, 20_000)
    assert.deepEqual(scene.dialog.requests, ['OPTIONS'])
    scene.session.happen('timeout', 300_000)
    assert.equal(scene.call.snapshot().state, 'held')
    scene.dialog.answers.push(agreed())
    await scene.call.resume()
    await pass(scene, 60_000)
    assert.deepEqual(scene.dialog.requests, ['OPTIONS'])
  })

  it('a gather waits: no time passes, but digits count', async () => {
    const rules: GatherRules = {
      bargeIn: true,
      minDigits: 1,
      maxDigits: 2,
      terminators: '',
      accept: '',
      firstDigitMs: 5000,
      interDigitMs: 2000,
      clearBuffer: false,
    }
    const scene = await dialledAndAnswered()
    const gathered = scene.call.gather(rules)
    scene.dialog.answers.push(agreed({ direction: 'recvonly' }))
    await scene.call.hold()
    await pass(scene, 10_000)
    scene.session.happen('digit', '1', 100)
    await pass(scene, 5000)
    scene.dialog.answers.push(agreed())
    await scene.call.resume()
    await pass(scene, 1900)
    scene.session.happen('digit', '2', 100)
    assert.deepEqual(await gathered, { digits: '12', terminator: '', ended: 'max-digits' })
    const second = scene.call.gather(rules)
    await pass(scene, 5000)
    assert.equal((await second).ended, 'no-input', 'after the resume the time counts again')
  })

  it('a gather that begins while we hold the call waits too', async () => {
    const scene = await held()
    const gathered = scene.call.gather({
      bargeIn: true,
      minDigits: 1,
      maxDigits: 1,
      terminators: '',
      accept: '',
      firstDigitMs: 1000,
      interDigitMs: 1000,
      clearBuffer: false,
    })
    await pass(scene, 5000)
    scene.session.happen('digit', '7', 100)
    assert.equal((await gathered).digits, '7')
  })
})

describe('mute', () => {
  it('asks media for silence, and for sound again, without an offer', async () => {
    const { call, session, dialog } = await dialledAndAnswered()
    call.mute(true)
    call.mute(false)
    assert.deepEqual([session.mutes, dialog.reinvites.length], [[true, false], 0])
  })
})

describe('another codec in the running call', () => {
  it('by our command: only these are offered, media follows the answer, and an event reports the change', async () => {
    const scene = await dialledAndAnswered()
    scene.dialog.answers.push(agreed({ codecs: '0 101' }))
    assert.equal(await scene.call.renegotiate(['PCMU']), 'PCMU')
    assert.match(scene.dialog.reinvites[0]?.content ?? '', /RTP\/AVP 0 101\r/)
    assert.equal(scene.session.connects.at(-1)?.codec, 'PCMU')
    const { codec, before } = scene.last('call.codec-changed')
    assert.deepEqual([codec, before, scene.call.snapshot().codec], ['PCMU', 'PCMA', 'PCMU'])
  })

  it('the order of the list takes precedence over the codec in use, and from then on the new one does', async () => {
    const scene = await dialledAndAnswered()
    scene.dialog.answers.push(agreed({ codecs: '0 8 101' }))
    assert.equal(await scene.call.renegotiate(['PCMU', 'PCMA']), 'PCMU')
    assert.match(scene.dialog.reinvites[0]?.content ?? '', /RTP\/AVP 0 8 101\r/)
    assert.match(scene.dialog.offer().accepted?.body?.content ?? '', /RTP\/AVP 0 8 101\r/)
  })

  it('an answer with a payload type of its own (asymmetric): we send that number', async () => {
    const scene = await dialledAndAnswered()
    const body = peerSdp({ codecs: '97 101' }).replace('a=sendrecv', 'a=rtpmap:97 PCMU/8000\r\na=sendrecv')
    scene.dialog.answers.push(response(200, { body: sdpBody(body) }))
    await scene.call.renegotiate(['PCMU'])
    const { codec, payloadType } = scene.session.connects.at(-1) ?? {}
    assert.deepEqual([codec, payloadType], ['PCMU', 97])
  })

  it('refused: the earlier codecs remain', async () => {
    const scene = await dialledAndAnswered()
    scene.dialog.answers.push(response(488))
    await assert.rejects(scene.call.renegotiate(['PCMU']), { code: 'REFUSED' })
    assert.match(scene.dialog.offer().accepted?.body?.content ?? '', /RTP\/AVP 8 0 101\r/)
    assert.equal(scene.types.includes('call.codec-changed'), false)
  })

  it('by the peer’s offer', async () => {
    const scene = await dialledAndAnswered()
    scene.dialog.offer(sdpBody(peerSdp({ codecs: '0 101' })))
    assert.equal(scene.last('call.codec-changed').codec, 'PCMU')
  })

  it('an unknown codec is refused with the names of the known ones', async () => {
    const { call } = await dialledAndAnswered()
    for (const codecs of [[], ['G729']]) {
      await assert.rejects(call.renegotiate(codecs as never), /Use one or more of PCMA, PCMU/)
    }
  })
})
