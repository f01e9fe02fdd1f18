/** A peer that puts the call on hold and vanishes. */
import assert from 'node:assert/strict'
import { type FakeDialog, response, sdpBody } from '../../support/fake-user-agent.js'
import { dialledAndAnswered, peerSdp, type Scene } from './call-fixture.js'

const settle = () => new Promise(setImmediate)

async function held(mediaTimeoutMs = 20_000): Promise<Scene & { dialog: FakeDialog }> {
  const scene = await dialledAndAnswered({ mediaTimeoutMs })
  scene.dialog.offer(sdpBody(peerSdp({ direction: 'inactive' })))
  return scene
}

async function pass({ clock }: Scene, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 1000) {
    clock.advance(1000)
    await settle()
  }
}

describe('a peer that holds us', () => {
  it('is asked every 20 s whether it is there, and held for as long as it answers, whatever', async () => {
    const scene = await held()
    scene.dialog.answers.push(response(200), response(405), response(501))
    await pass(scene, 19_000)
    assert.deepEqual(scene.dialog.requests, [])
    await pass(scene, 1000)
    assert.deepEqual(scene.dialog.requests, ['OPTIONS'])
    await pass(scene, 40_000)
    assert.equal(scene.dialog.requests.length, 3)
    scene.session.happen('timeout', 300_000)
    await pass(scene, 600_000)
    assert.equal(scene.call.snapshot().state, 'held')
    assert.equal(scene.dialog.requests.length, 33)
  })

  it('that has not answered yet when the media timeout comes is gone', async () => {
    const scene = await held()
    scene.session.happen('timeout', 300_000)
    assert.equal((await scene.call.ended).cause, 'media-timeout')
  })

  it('is not asked before, nor after it has resumed, nor after the end', async () => {
    const scene = await dialledAndAnswered()
    await pass(scene, 60_000)
    scene.dialog.offer(sdpBody(peerSdp({ direction: 'sendonly' })))
    scene.dialog.offer(sdpBody(peerSdp()))
    await pass(scene, 60_000)
    assert.deepEqual(scene.dialog.requests, [])
    scene.dialog.offer(sdpBody(peerSdp({ direction: 'sendonly' })))
    await scene.call.hangup()
    assert.equal(scene.clock.pending, 0)
  })

  it('that does not answer is lost: the dialog tells', async () => {
    const scene = await held()
    scene.dialog.handlers.lost?.({ status: 408, reason: 'Request Timeout', local: true })
    const end = await scene.call.ended
    assert.deepEqual([end.by, end.cause, end.sipCode], ['error', 'failed', 408])
    assert.equal(scene.clock.pending, 0)
  })

  it('that cannot be reached twice in a row is lost too, once is forgiven', async () => {
    const scene = await held()
    const unsent = { status: 503, reason: 'ENETUNREACH', local: true } as const
    scene.dialog.answers.push(unsent, response(200), unsent, unsent)
    await pass(scene, 60_000)
    assert.equal(scene.call.snapshot().state, 'held')
    await pass(scene, 20_000)
    assert.equal((await scene.call.ended).sipCode, 503)
  })

  it('is left alone where the account has the media timeout off', async () => {
    const scene = await held(0)
    await pass(scene, 60_000)
    assert.deepEqual([scene.dialog.requests, scene.clock.pending], [[], 0])
  })

  it('and is silent after it has resumed ends the call as ever', async () => {
    const scene = await held()
    scene.dialog.offer(sdpBody(peerSdp()))
    scene.session.happen('timeout', 20_000)
    assert.equal((await scene.call.ended).cause, 'media-timeout')
  })
})
