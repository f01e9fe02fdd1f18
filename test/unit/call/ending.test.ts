/** Every state × everything that can end a call: one end, one CDR, no timer and no port left. */
import assert from 'node:assert/strict'
import { TelephonyError } from '../../../src/base/errors.js'
import type { CallEnd } from '../../../src/call/call-event.js'
import { type FakeDialog, type FakeIncomingInvite, request, response, sdpBody } from '../../support/fake-user-agent.js'
import {
  dialled,
  dialledAndAnswered,
  dialledAndRinging,
  dialledWithEarlyMedia,
  incoming,
  incomingAnswered,
  peerSdp,
  type Scene,
} from './call-fixture.js'

type Stage = Scene & { dialog?: FakeDialog; invite?: FakeIncomingInvite; openGate?: () => void }

async function held(stage: Promise<Scene & { dialog: FakeDialog }>): Promise<Stage> {
  const scene = await stage
  scene.dialog.offer(sdpBody(peerSdp({ direction: 'sendonly' })))
  return scene
}

async function reinvitePending(stage: Promise<Scene & { dialog: FakeDialog }>): Promise<Stage> {
  const scene = await stage
  scene.dialog.offer()
  return scene
}

async function answering(): Promise<Stage> {
  const scene = incoming()
  let openGate = () => {}
  scene.media.openGate = new Promise((resolve) => {
    openGate = resolve
  })
  scene.call.answer().catch(() => {})
  return Object.assign(scene, { openGate })
}

const STATES: Record<string, () => Promise<Stage>> = {
  'outbound trying': () => dialled(),
  'outbound ringing': dialledAndRinging,
  'outbound early': dialledWithEarlyMedia,
  'outbound answered': () => dialledAndAnswered(),
  'outbound held': () => held(dialledAndAnswered()),
  'outbound re-INVITE pending': () => reinvitePending(dialledAndAnswered()),
  'inbound deciding': async () => incoming(),
  'inbound ringing': async () =>
    incoming({ rule: { mode: 'flow', sendRinging: true, decideMs: 10_000, rejectStatus: 486 } }),
  'inbound answering': answering,
  'inbound answered': incomingAnswered,
  'inbound held': () => held(incomingAnswered()),
  'inbound offerless, no ACK': async () => {
    const scene = incoming({ offer: null })
    scene.call.answer().catch(() => {}) // it would wait for the ACK
    await new Promise(setImmediate)
    return Object.assign(scene, { dialog: scene.invite.dialog })
  },
}

interface Way {
  /** In which states it can happen. */
  when: RegExp
  act: (stage: Stage) => void
  end: (state: string) => Pick<CallEnd, 'by' | 'cause' | 'sipCode'>
}

const ANY = /./
const OFFERING = /outbound (trying|ringing|early)/
const UNDECIDED = /inbound (deciding|ringing|answering)/
const DIALOG = /answered|held|pending|offerless/
const MEDIA = /outbound|answered|held|offerless/

const byHangup = (state: string) => {
  if (OFFERING.test(state)) return { by: 'local', cause: 'cancelled', sipCode: 487 } as const
  if (UNDECIDED.test(state)) return { by: 'local', cause: 'rejected', sipCode: 603 } as const
  return { by: 'local', cause: 'normal', sipCode: null } as const
}

/** The status that goes with an error: the answer to CANCEL, the status of our rejection, null after BYE. */
const byError = (cause: CallEnd['cause']) => (state: string) =>
  ({ by: 'error', cause, sipCode: OFFERING.test(state) ? 487 : null }) as const

const WAYS: Record<string, Way> = {
  'local hangup': { when: ANY, act: ({ call }) => void call.hangup(), end: byHangup },
  'local hangup twice': {
    when: ANY,
    act: ({ call }) => {
      void call.hangup()
      void call.hangup()
    },
    end: byHangup,
  },
  'remote BYE': {
    when: DIALOG,
    act: ({ dialog }) => dialog?.handlers.bye?.(request('BYE')),
    end: () => ({ by: 'remote', cause: 'normal', sipCode: null }),
  },
  'no ACK': {
    when: /inbound (answered|held|offerless)/,
    act: ({ dialog }) => dialog?.handlers.ackTimeout?.(),
    end: byError('failed'),
  },
  'dialog lost': {
    when: DIALOG,
    act: ({ dialog }) => dialog?.handlers.lost?.({ status: 408, reason: 'Request Timeout', local: true }),
    end: () => ({ by: 'error', cause: 'failed', sipCode: 408 }),
  },
  'remote 486': {
    when: OFFERING,
    act: ({ userAgent }) => userAgent.invite0.handlers.failed(response(486)),
    end: () => ({ by: 'remote', cause: 'busy', sipCode: 486 }),
  },
  'nobody at the other end': {
    when: OFFERING,
    act: ({ userAgent }) => userAgent.invite0.handlers.failed({ status: 408, reason: 'Request Timeout', local: true }),
    end: () => ({ by: 'error', cause: 'no-answer', sipCode: 408 }),
  },
  'ring timeout': {
    when: OFFERING,
    act: ({ clock }) => clock.advance(30_000),
    end: () => ({ by: 'local', cause: 'no-answer', sipCode: 487 }),
  },
  'remote CANCEL': {
    when: UNDECIDED,
    act: ({ invite }) => invite?.cancel(),
    end: () => ({ by: 'remote', cause: 'cancelled', sipCode: 487 }),
  },
  'local reject': {
    when: UNDECIDED,
    act: ({ call }) => {
      try {
        call.reject(486)
      } catch (error) {
        // Another end came first.
        assert.equal(TelephonyError.from(error).code, 'CALL_ENDED')
      }
    },
    end: () => ({ by: 'local', cause: 'busy', sipCode: 486 }),
  },
  'nobody decides': {
    when: UNDECIDED,
    act: ({ clock }) => clock.advance(10_000),
    end: () => ({ by: 'local', cause: 'no-answer', sipCode: 480 }),
  },
  'media failure': {
    when: MEDIA,
    act: ({ session }) => session.happen('failed', 'worker died'),
    end: byError('failed'),
  },
  'media timeout': {
    when: DIALOG,
    act: ({ session }) => session.happen('timeout', 20_000),
    end: byError('media-timeout'),
  },
}

/** CANCEL, BYE and final responses that went out, one at most in a call's life. */
function sent({ userAgent, invite, dialog }: Stage): string[] {
  return [
    ...Array<string>(userAgent.invites[0]?.cancels ?? 0).fill('CANCEL'),
    ...Array<string>(dialog?.byes ?? 0).fill('BYE'),
    ...(invite?.rejects ?? []).map(({ status }) => String(status)),
  ]
}

async function assertOver(stage: Stage): Promise<CallEnd> {
  stage.openGate?.()
  const end = await stage.call.ended
  assert.equal(stage.types.filter((type) => type === 'call.ended').length, 1)
  assert.equal(stage.types.at(-1), 'call.ended')
  assert.deepEqual(
    stage.events.map(({ seq }) => seq),
    stage.events.map((_, i) => i + 1),
  )
  const { cdr, call } = stage.last('call.ended')
  assert.deepEqual([cdr.endedBy, cdr.cause, cdr.sipCode], [end.by, end.cause, end.sipCode])
  assert.deepEqual(call.end, end)
  assert.equal(call.state, 'ended')
  // Ports whose opening outlived the call are closed in the turn in which they come.
  await new Promise(setImmediate)
  assert.equal(stage.media.openSessions, 0)
  assert.equal(stage.clock.pending, 0)
  return end
}

describe('how a call ends', () => {
  for (const [state, enter] of Object.entries(STATES)) {
    const ways = Object.entries(WAYS).filter(([, { when }]) => when.test(state))

    for (const [name, way] of ways) {
      it(`${state}: ${name}`, async () => {
        const stage = await enter()
        way.act(stage)
        const { by, cause, sipCode } = await assertOver(stage)
        assert.deepEqual({ by, cause, sipCode }, way.end(state))
        assert.deepEqual(sent(stage), expectedToBeSent(state, name, sipCode))
        await assert.rejects(stage.call.play('p', { kind: 'file', path: '/x.wav' }), { code: 'CALL_ENDED' })
        await stage.call.hangup()
      })
    }

    it(`${state}: any two of these at once end it once`, async () => {
      for (const [, first] of ways) {
        for (const [, second] of ways) {
          const stage = await enter()
          first.act(stage)
          second.act(stage)
          const { by, cause } = await assertOver(stage)
          const expected = first.end(state)
          assert.deepEqual({ by, cause }, { by: expected.by, cause: expected.cause })
          assert.ok(sent(stage).length <= 1, sent(stage).join())
        }
      }
    })

    it(`${state}: a peer and a media worker that say nothing hold it for 2 s`, async () => {
      const stage = await enter()
      if (stage.dialog) stage.dialog.answersBye = false
      for (const invite of stage.userAgent.invites) invite.answersCancel = false
      for (const session of stage.media.sessions) session.hangs = true
      const hungUp = stage.call.hangup()
      const told = stage.types.includes('call.ended')
      stage.clock.advance(2000)
      await hungUp
      assert.equal(told, false)
      await assertOver(stage)
    })
  }

  it('the time of its end is when it was decided, not when the last step was done', async () => {
    const stage = await dialledAndAnswered()
    stage.dialog.answersBye = false
    stage.clock.advance(1000)
    const hungUp = stage.call.hangup()
    assert.equal(stage.call.snapshot().endedAt, null)
    stage.clock.advance(2000)
    await hungUp
    const { cdr, call, at } = stage.last('call.ended')
    assert.deepEqual([cdr.talkMs, cdr.endedAt, call.endedAt], [1000, '2026-01-01T00:00:01.000Z', cdr.endedAt])
    assert.equal(at, '2026-01-01T00:00:03.000Z')
  })

  it('BYE follows where a 2xx crosses a CANCEL that we gave up on', async () => {
    const stage = await dialled()
    stage.userAgent.invite0.answersCancel = false
    const hungUp = stage.call.hangup()
    stage.clock.advance(2000)
    await hungUp
    const dialog = stage.userAgent.invite0.answer(sdpBody(peerSdp()))
    await Promise.resolve()
    assert.equal(dialog.byes, 1)
    assert.equal(stage.types.filter((type) => type === 'call.ended').length, 1)
  })
})

/** No request if the peer has ended the call, otherwise the one that fits the state (RFC 3261 9.1, 13.3.1.3, 15.1.1). */
function expectedToBeSent(state: string, way: string, sipCode: number | null): string[] {
  if (/remote|at the other end/.test(way)) return []
  if (OFFERING.test(state)) return ['CANCEL']
  return UNDECIDED.test(state) ? [String(sipCode)] : ['BYE']
}
